// Package jwk is what the gateway asks of JSON Web Keys (RFC 7517), those of issuers and its own alike. go-jose parses
// them and makes their thumbprints; the policy is here: only public keys, for signatures, of the kinds and sizes that are
// worth verifying with.
//
// Trust boundary: a published key is its issuer's, who is believed as far as the key is strong enough. Failure posture:
// closed. A key that breaks any rule is an error, which quotes no key.
package jwk
