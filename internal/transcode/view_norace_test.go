//go:build !race

package transcode_test

// slowness is the factor by which the race detector slows tests down.
const slowness = 1
