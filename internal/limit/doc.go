// Package limit protects callers from each other. It limits the requests and
// bytes in flight, in total and for each caller, the rate of a caller, and the
// number of failed authentications.
//
// Trust boundary: names of callers come from authenticated credentials, and
// addresses from the connection or from proxies that the operator trusts.
// Requests that are not authenticated cannot make the memory grow without bound.
package limit
