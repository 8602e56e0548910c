//go:build !race

package transcode_test

// slowness is how much longer everything takes with the race detector.
const slowness = 1
