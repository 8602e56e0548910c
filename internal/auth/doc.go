// Package auth authenticates requests, authorises calls, and provides the
// credentials that are sent with calls to the upstream.
//
// API keys, JWTs and delegated tokens are verified by the packages apikey, jwt and
// delegated, which implement [Verifier]. This package verifies client certificates.
//
// Trust boundary: everything in an HTTP header is untrusted until
// [Authenticator.Authenticate] has returned a [Principal]. After that, the call
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
