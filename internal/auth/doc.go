// Package auth authenticates requests, authorises calls, and provides the
// credentials of calls to the upstream.
//
// Each kind of credential of callers has a package of its own that implements
// [Verifier]: apikey, jwt and delegated. Client certificates are part of this
// package.
//
// Trust boundary: everything in an HTTP header is untrusted until
// [Authenticator.Authenticate] has returned a [Principal]. From there on the
// principal, and never the credential, travels with the call. [Strip] deletes
// the credential, so that it reaches no upstream, log or span.
//
// Failure posture: closed. A nil principal may call nothing, a method that is
// not in the access table is denied, and the zero [Role] grants nothing. Every
// invalid credential gets one and the same error. A token file that becomes
// invalid while the gateway runs leaves the last valid version in force and is
// logged; a file that is invalid at start stops the start. No error, log line or
// formatted value of this package holds a secret.
package auth
