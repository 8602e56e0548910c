// Package request admits HTTP requests for all doors, and reads what they have in
// common: the body, the query, the deadline and the metadata.
//
// Trust boundary: all input comes from the caller and is limited in size. Invalid
// input is a [problem.Error].
package request
