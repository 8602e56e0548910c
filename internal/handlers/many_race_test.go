//go:build race

package server_test

// manyCallers are fewer here: the race detector follows 8,128 goroutines at most,
// and each caller takes two.
const manyCallers = 1000
