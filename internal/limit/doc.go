// Package limit keeps one caller from costing the others: it bounds what is in
// flight, in all and for one caller, and how often credentials may fail.
//
// Trust boundary: callers' names come from proven credentials, and addresses
// from the connection or from proxies that the operator trusts. Nothing here
// grows with what a stranger sends.
package limit
