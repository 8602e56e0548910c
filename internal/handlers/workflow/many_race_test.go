//go:build race

package workflow_test

// manyCallers is smaller here: the race detector supports 8,128 goroutines, and each
// caller has two.
const manyCallers = 1000
