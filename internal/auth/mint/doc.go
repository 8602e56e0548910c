// Package mint signs short-lived tokens (JWT, ES256 or RS256) by which a Temporal server with its default authorizer
// knows whom the gateway calls for, and publishes the keys that verify them.
//
// Trust boundary: the key file is the operator's and holds private keys; nothing but the tokens' signatures ever leaves
// this package of them. A token says what the gateway has decided before it asked for one: the caller's name, and the one
// namespace and role that the call needs. No error, log line or formatted value holds a key or a token.
//
// Failure posture: closed. A call without a caller, or in a namespace that a permission cannot name, gets no token. A
// file that turns bad leaves the last good keys in force and says so; one that is bad at start stops the start. The
// published set is never empty, because a Temporal server would forget all keys over it.
//
// Rotation: a server learns of keys by fetching the set now and then, so that a key signs only after it has been published
// for a while, and is published until its last token has ended. Only at start the first key signs at once, since nothing
// is known of what was published before. Where the gateway has replicas, or may be started again in the middle of a
// rotation, the new key is therefore added behind the old one first, and moved before it once publishAhead has passed.
package mint
