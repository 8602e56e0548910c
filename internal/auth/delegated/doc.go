// Package delegated issues and verifies delegated tokens, which a caller passes
// on to a browser or puts in an approval link. A token permits named operations
// on one workflow for a short time, and never more than its delegator may do.
//
// Trust boundary: the bearer of a token can read it, and a token is untrusted
// until its seal has been verified ([seal.Keys]). The gateway stores no tokens:
// a token contains its own permissions. Failure posture: closed. A token
// becomes invalid when it expires, when the credential that issued it expires,
// and when its delegator is disabled or loses the required grants.
package delegated
