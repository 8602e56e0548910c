//go:build race

package transcode_test

// slowness is how much longer everything takes here.
const slowness = 10
