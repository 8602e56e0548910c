// Package delegated issues and verifies delegated tokens. A caller, the delegator,
// passes such a token on to a browser or puts it in an approval link. A token permits
// some operations on one workflow for a short time, and never more than its delegator
// may do.
//
// Trust boundary: a token is untrusted until its seal has been verified
// ([seal.Keys]). Its content is not secret from its bearer. The gateway stores no
// tokens: a token contains its own permissions. Failure posture: closed. A token
// becomes invalid when it expires, when the credential that issued it expires,
// and when its delegator is disabled or loses the required grants.
package delegated
