// Package image tests the container image and the release: it builds the Dockerfile with buildah, which needs no engine and
// no registry, runs the image against a Temporal server, and checks that builds are reproducible.
//
// Trust boundary: it builds and runs programs as root and must not be used outside tests. A test fails if it does not run
// as root or if a program is missing. It is not skipped.
package image
