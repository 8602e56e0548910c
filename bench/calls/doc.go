// Package calls holds the HTTP requests that are measured, each as it is written to the connection, in the dialect of
// each target: the same call means the same work for Temporal everywhere.
package calls
