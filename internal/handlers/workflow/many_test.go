//go:build !race

package workflow_test

// manyCallers is how many callers make the same request at once.
const manyCallers = 5000
