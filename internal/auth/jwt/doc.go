// Package jwt verifies the tokens (JWT, RFC 7519) of configured issuers by the rules of RFC 8725 and converts them to
// principals.
//
// Trust boundary: a token is hostile until its signature has been verified with a key of the issuer that it names. The
// fields that are read before (iss, kid, alg) only select among the configured issuers and keys; no field of a token
// makes the gateway send a request to an address that the token contains. Keys come from the issuer's address, over TLS
// unless the operator has allowed plaintext, or from the operator's file. The gateway trusts a key that an issuer
// publishes if it is strong enough. Callers can cause at most one fetch of keys per issuer in thirty seconds.
//
// Failure posture: closed. Tokens that fail any check get the same error. Keys that cannot be refreshed stay in force
// for the issuer's maxStale, and are never replaced by an empty or invalid set. Without keys in force the error is
// jwks-unavailable, because the token may be valid. A token that was verified before is accepted until it expires, as
// long as the key that verified it is in force. No error or log line contains a token or a part of one.
package jwt
