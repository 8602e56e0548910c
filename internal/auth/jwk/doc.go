// Package jwk checks JSON Web Keys (RFC 7517), both those of issuers and the gateway's own. go-jose parses keys and
// computes thumbprints. This package has the policy: only public keys, only for signatures, only of strong kinds and
// sizes.
//
// Trust boundary: an issuer is trusted to publish its own keys if they are strong enough. Failure posture: closed. A
// key that violates any rule is an error, which quotes no key.
package jwk
