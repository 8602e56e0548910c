// Package transcodetest generates random messages of Temporal's API, for tests
// that compare two ways to decode or encode them.
package transcodetest
