// Package jwt verifies the tokens (JWT, RFC 7519) of configured issuers by the rules of RFC 8725, and makes principals of
// them.
//
// Trust boundary: a token is hostile until its signature has been verified with a key of the one issuer that it names. What
// is read of it before (iss, kid, alg) only selects among what the operator has configured; nothing in it makes the gateway
// look anywhere. Keys come from the issuer's own address or from the operator's file, over TLS but where the operator has
// allowed otherwise, and are judged one by one: what an issuer publishes is believed, as far as it is strong enough.
// Callers can make the gateway ask an issuer for keys at most once in thirty seconds.
//
// Failure posture: closed, and steady. A token that fails any check is refused with one answer for all reasons. Keys that
// cannot be fetched again stay in force for the issuer's maxStale, and never make room for an empty or broken set; without
// keys in force the answer is jwks-unavailable, which blames nobody's token. A token that was verified before is taken
// again for as long as the key that verified it is in force. No error or log line holds a token or a part of one.
package jwt
