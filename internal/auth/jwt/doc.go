// Package jwt verifies the tokens (JWT, RFC 7519) of configured issuers by the rules of RFC 8725 and converts them to
// principals.
//
// Trust boundary: a token is hostile until its signature has been verified with a key of the issuer that it names. The
// fields that are read before (iss, kid, alg) only select among the configured issuers and keys; no field of a token
// makes the gateway send a request to an address of the token's choice. Keys come from the issuer's address or from the
// operator's file, over TLS unless the operator has allowed plaintext. Each key is checked by itself: the gateway
// trusts the keys that an issuer publishes if they are strong enough. Callers can cause at most one fetch of keys per
// issuer in thirty seconds.
//
// Failure posture: closed. A token that fails any check is rejected with the same response for all reasons. Keys that
// cannot be refreshed stay in force for the issuer's maxStale, and are never replaced by an empty or invalid set.
// Without keys in force the response is jwks-unavailable, which does not blame the token. A token that was verified
// before is accepted for as long as the key that verified it is in force. No error or log line contains a token or a
// part of one.
package jwt
