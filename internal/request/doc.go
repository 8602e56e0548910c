// Package request admits HTTP requests for all doors. It reads the parts that the
// requests of all doors have: the body, the query, the deadline and the metadata.
//
// Trust boundary: all input comes from the caller, and its size is limited. Invalid
// input causes a [problem.Error].
package request
