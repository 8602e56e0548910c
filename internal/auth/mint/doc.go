// Package mint signs short-lived tokens (JWT, ES256 or RS256) that identify the caller of each call to a Temporal
// server with its default authorizer. It publishes the keys that verify them.
//
// Trust boundary: the key file is the operator's and contains private keys; only signatures made with them leave this
// package. A token contains what the gateway has already decided: the caller's name, and the one namespace and role
// that the call requires. No error, log line or formatted value contains a private key or a token.
//
// Failure posture: closed. A call without a principal, or in a namespace that a permission cannot express, gets no
// token. If the file becomes invalid, the last valid keys stay in force and the error is logged. The gateway does not
// start with an invalid file. The published set is never empty, because a Temporal server would then drop all keys.
//
// Rotation: a server fetches the published keys periodically. So a key signs only after it has been published for the
// time publishAhead, and stays published until its last token has expired. At startup the first key signs immediately,
// because the gateway does not know what was published before. With several replicas, or if the gateway may restart
// during a rotation, first add the new key after the old one, and move it to the front once publishAhead has passed.
package mint
