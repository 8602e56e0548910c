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

// key is one public key of an issuer. Its identity is its pointer: a new version of the key set reuses the pointers of
// unchanged keys, so that a cached token stays valid only if the key that verified it is unchanged.
type key struct {
	kid    string // empty if the key has none
	alg    string // the only algorithm that the key is for, empty if unspecified
	public crypto.PublicKey
}

// supports reports whether the key may verify a token of the algorithm. golang-jwt compares the kinds of keys but not
// their curves, and would accept one RSA key for both paddings.
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

// supportsAny reports whether the key supports one of the algorithms.
func (k *key) supportsAny(algorithms []string) bool {
	return slices.ContainsFunc(algorithms, k.supports)
}

// equal reports whether both keys have the same kid, algorithm and public key.
func (k *key) equal(other *key) bool {
	public, ok := k.public.(interface {
		Equal(other crypto.PublicKey) bool
	})
	return ok && k.kid == other.kid && k.alg == other.alg && public.Equal(other.public)
}
