// Package calls contains the HTTP requests that the bench sends, for the HTTP API of each target. The same call results
// in the same RPC at every target.
package calls
