package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"slices"
	"strings"
)

// key is one public key of an issuer. It is known by its pointer: a version of the keys that still has a key of the version
// before takes over its value, so that what was verified by it stays verified, and nothing else does.
type key struct {
	kid    string // empty when it has none
	alg    string // the one algorithm that it is for, empty when it does not say
	public crypto.PublicKey
}

// supports tells whether a token of the algorithm may be verified with the key. golang-jwt compares kinds and not curves, and
// one RSA key would serve both paddings.
func (k *key) supports(alg string) bool {
	if k.alg != "" && k.alg != alg {
		return false
	}
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")
	case *ecdsa.PublicKey:
		return alg == "ES256" && public.Curve == elliptic.P256() || alg == "ES384" && public.Curve == elliptic.P384()
	case ed25519.PublicKey:
		return alg == "EdDSA"
	default:
		return false
	}
}

// supportsAny tells whether the key is of use to an issuer with these algorithms.
func (k *key) supportsAny(algorithms []string) bool {
	return slices.ContainsFunc(algorithms, k.supports)
}

// equal compares all that a key is.
func (k *key) equal(other *key) bool {
	public, ok := k.public.(interface {
		Equal(other crypto.PublicKey) bool
	})
	return ok && k.kid == other.kid && k.alg == other.alg && public.Equal(other.public)
}
