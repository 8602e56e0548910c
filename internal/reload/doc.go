// Package reload reads small files that an operator may change while the
// gateway runs: keys, tokens, certificates.
//
// Trust boundary: the files come from the operator and are trusted once they
// have been parsed as a whole. Failure posture: if a file becomes invalid, the
// last valid version stays in force, and the error is reported once.
package reload
