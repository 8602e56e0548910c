// Package calls contains the measured HTTP requests as bytes on the connection, in the dialect of each target. The same
// call means the same work for Temporal at every target.
package calls
