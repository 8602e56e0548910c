// Package reload reads small files that an operator may change while the
// gateway runs: keys, tokens, certificates.
//
// Trust boundary: the files are the operator's and are trusted once they have
// been parsed as a whole. Failure posture: a file that turns bad leaves its
// last good version in force, and is complained of once.
package reload
