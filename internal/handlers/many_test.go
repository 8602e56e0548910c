//go:build !race

package handlers_test

// manyCallers is how many make the same request at once, where it is many.
const manyCallers = 5000
