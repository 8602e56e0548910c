// Package limit protects callers from each other. It limits the requests and
// bytes in flight, in total and for each caller, the rate of a caller, and the
// number of failed authentications.
//
// Trust boundary: names of callers come from authenticated credentials, and
// addresses from the connection or from proxies that the operator trusts.
// Memory does not grow with requests that are not authenticated.
package limit
