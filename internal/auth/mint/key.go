package mint

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/flowgate/flowgate/internal/auth/jwk"
)

// key signs tokens. The private key is only in the closure sign: fmt prints unexported fields but not what a function
// captures.
type key struct {
	// kid is the key's thumbprint (RFC 7638).
	kid string
	// jwk is the public key as published, in JSON.
	jwk []byte
	// sign returns a signed token with the claims.
	sign func(jwt.Claims) (string, error)
}

// parseKeys parses the private keys of a PEM file in their order. Its errors identify the invalid key by its position
// and quote none of its content.
func parseKeys(content []byte, algorithm string) ([]*key, error) {
	var keys []*key
	blocks := 0
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		blocks++
		if block.Type == "EC PARAMETERS" { // openssl writes this block before a key that contains the parameters too
			continue
		}
		k, err := parseKey(block, algorithm)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", len(keys)+1, err)
		}
		for i := range keys {
			if keys[i].kid == k.kid {
				return nil, fmt.Errorf("key %d: duplicates key %d", len(keys)+1, i+1)
			}
		}
		keys = append(keys, k)
	}
	// The decoder skips malformed blocks. The next key would then sign instead.
	if bytes.Count(content, []byte("-----BEGIN")) != blocks {
		return nil, errors.New("contains a malformed PEM block")
	}
	if len(keys) == 0 {
		return nil, errors.New("contains no PEM private key")
	}
	return keys, nil
}

func parseKey(block *pem.Block, algorithm string) (*key, error) {
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["Proc-Type"] != "" {
		return nil, errors.New("is encrypted")
	}
	var private any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		private, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, errors.New("is not a private key")
	}
	if err != nil {
		return nil, errors.New("does not match the type of its PEM block")
	}
	return newKey(private, algorithm)
}

// newKey returns an error for keys of any other algorithm than the configured one, so that a wrong key in the file does
// not sign with another algorithm.
func newKey(private any, algorithm string) (*key, error) {
	switch private := private.(type) {
	case *ecdsa.PrivateKey:
		if algorithm == jwt.SigningMethodES256.Alg() && private.Curve == elliptic.P256() {
			return newSigningKey(private, private.Public(), jwt.SigningMethodES256)
		}
	case *rsa.PrivateKey:
		if algorithm == jwt.SigningMethodRS256.Alg() && jwk.Check(private.Public()) == nil {
			return newSigningKey(private, private.Public(), jwt.SigningMethodRS256)
		}
	}
	switch algorithm {
	case jwt.SigningMethodES256.Alg():
		return nil, errors.New("is not a P-256 key, which ES256 requires")
	case jwt.SigningMethodRS256.Alg():
		return nil, fmt.Errorf("is not an RSA key of %d to %d bits, which RS256 requires", jwk.MinRSABits, jwk.MaxRSABits)
	default:
		return nil, errors.New("the algorithm must be ES256 or RS256")
	}
}

func newSigningKey(private crypto.PrivateKey, public crypto.PublicKey, method jwt.SigningMethod) (*key, error) {
	kid, err := jwk.Thumbprint(public)
	if err != nil {
		return nil, errors.New("has no thumbprint")
	}
	published, err := jose.JSONWebKey{Key: public, KeyID: kid, Algorithm: method.Alg(), Use: "sig"}.MarshalJSON()
	if err != nil {
		return nil, errors.New("cannot be published")
	}
	sign := func(claims jwt.Claims) (string, error) {
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = kid
		return token.SignedString(private)
	}
	return &key{kid: kid, jwk: published, sign: sign}, nil
}
