// Package systemd has the unit that runs the gateway as a service of systemd, and its tests.
//
// Trust boundary: the service has no privileges and writes no files. Its secrets are credentials of systemd, which only
// the service can read.
package systemd
