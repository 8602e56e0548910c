// Package apikey verifies API keys against a keys file.
//
// A key has the form fg_<id>_<secret>. The keys file has an entry for each id:
// the hashes of its secrets, its grants, its limits, and the credential of its
// calls to the upstream. Any number of secrets can be valid at a time, so that
// keys rotate without an interruption.
//
// Trust boundary: a presented key is untrusted until [Keys.Verify] has returned
// a principal. The keys file contains only hashes and names of token files. It
// is trusted only if all of its content passes every check.
//
// Failure posture: closed. Unknown, wrong, expired and disabled keys get the same
// response after the same amount of work. The gateway does not start with an invalid file. If the
// file becomes invalid while the gateway runs, the error is logged and the last
// valid version stays in force. No error and no log line contains a key or a
// secret.
package apikey
