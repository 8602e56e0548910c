// Package request reads what all doors take from an HTTP request in the same
// way: its body, its deadline, the metadata that it sends along.
//
// Trust boundary: everything here is the caller's, and bounded. What is wrong is
// a [problem.Error].
package request
