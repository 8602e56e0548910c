//go:build !race

package workflow_test

// manyCallers is the number of callers that make the same request concurrently.
const manyCallers = 5000
