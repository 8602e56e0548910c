//go:build race

package workflow_test

// manyCallers is smaller with the race detector, which supports 8,128 goroutines. Each
// caller has two.
const manyCallers = 1000
