// Package auth answers three questions of every call: who sends it, what it
// may call, and which credential goes upstream in its name.
//
// Trust boundary: everything in an HTTP header is hostile until
// [Authenticator.Authenticate] has returned a [Principal]; from there on the
// principal, and never the credential, travels with the call. [Strip] deletes
// what identified the caller, so that it reaches no upstream, log or span. The
// keys file holds hashes and the names of token files only, and what it says is trusted once the whole file
// has passed every check.
//
// Failure posture: closed. A nil principal may call nothing, a method that is
// not in the table is denied, the zero [Role] grants nothing, and an unknown,
// wrong, expired or disabled key is one and the same answer at the same cost.
// A file that turns bad while the gateway runs leaves the last good version in
// force and says so; a file that is bad at start stops the start. No error,
// log line or formatted value of this package holds a secret.
package auth
