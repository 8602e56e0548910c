// Package delegated makes and takes tokens that a caller hands on: to a
// browser, or in the link of an approval. A token is good for named operations
// on one workflow, for a short time, and for no more than its maker may do.
//
// Trust boundary: a token is readable for whoever holds it, and comes from
// anybody until its seal has been opened ([seal.Keys]). Nothing is kept: what a
// token is good for stands in it. Failure posture: closed. A token ends with its
// time, with the credential that it was made with, and when its maker is
// disabled or loses the rights that it needs.
package delegated
