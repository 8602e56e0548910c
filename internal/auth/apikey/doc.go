// Package apikey verifies API keys against a keys file.
//
// A key has the form fg_<id>_<secret>. The keys file has an entry for each id:
// the hashes of its secrets, its grants, its limits, and the credential that
// goes upstream in its name. Any number of secrets can be valid at a time, so
// that keys rotate without an interruption.
//
// Trust boundary: a presented key is untrusted until [Keys.Verify] has returned
// a principal. The keys file holds hashes and the names of token files only;
// its content is trusted once the whole file has passed every check.
//
// Failure posture: closed. An unknown, wrong, expired or disabled key gets one
// and the same error at the same cost. A file that is invalid at start stops
// the start; a file that becomes invalid while the gateway runs is logged, and
// the last valid version stays in force. No error and no log line holds a key
// or a secret.
package apikey
