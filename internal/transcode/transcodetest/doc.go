// Package transcodetest makes random messages of Temporal's API for tests that
// compare two ways to read or write them.
package transcodetest
