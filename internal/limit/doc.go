// Package limit protects callers from each other. It limits the number and the memory
// of the requests in flight, in total and for each caller, the request rate of a
// caller, and the rate of failed authentications.
//
// Trust boundary: names of callers come from authenticated credentials, and
// addresses from the connection or from proxies that the operator trusts.
// Requests that are not authenticated cannot make the memory grow without bound.
package limit
