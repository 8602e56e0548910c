// Package auth authenticates requests, authorises calls, and provides the
// credentials of calls to the upstream.
//
// Each kind of credential of callers has a package of its own that implements
// [Verifier]: apikey, jwt and delegated. Client certificates are part of this
// package.
//
// Trust boundary: everything in an HTTP header is untrusted until
// [Authenticator.Authenticate] has returned a [Principal]. From then on, the call
// carries the principal and never the credential. [Strip] deletes the credential, so
// that it reaches no upstream, log or span.
//
// Failure posture: closed. A nil principal may call nothing, a method that is not in
// the access table is denied, and the zero [Role] grants nothing. All invalid
// credentials get the same error. If a token file becomes invalid while the gateway
// runs, the error is logged and the last valid version stays in force. The gateway
// does not start with an invalid file. No error, log line or formatted value of this
// package contains a secret.
package auth
