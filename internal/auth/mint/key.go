package mint

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/flowgate/flowgate/internal/auth/jwk"
)

// key signs tokens. Its private half can be used and not be seen: fmt prints unexported fields too, but no function's.
type key struct {
	// kid is the thumbprint of RFC 7638.
	kid string
	// jwk is the public half, as it is published.
	jwk []byte
	// sign makes a token of claims.
	sign func(jwt.Claims) (string, error)
}

// parseKeys reads the private keys of a PEM file, in their order. Its errors say which key is wrong and nothing of what
// is in it.
func parseKeys(content []byte, algorithm string) ([]*key, error) {
	var keys []*key
	blocks := 0
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		blocks++
		if block.Type == "EC PARAMETERS" { // openssl writes one before each key, which repeats them
			continue
		}
		k, err := parseKey(block, algorithm)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", len(keys)+1, err)
		}
		for i := range keys {
			if keys[i].kid == k.kid {
				return nil, fmt.Errorf("key %d: is key %d again", len(keys)+1, i+1)
			}
		}
		keys = append(keys, k)
	}
	// The decoder passes over what it cannot read, and the next key would sign instead.
	if bytes.Count(content, []byte("-----BEGIN")) != blocks {
		return nil, errors.New("holds a PEM block that is damaged or cut off")
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no private key in PEM")
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
		return nil, errors.New("is no private key")
	}
	if err != nil {
		return nil, errors.New("cannot be read as what its PEM block says it is")
	}
	return newKey(private, algorithm)
}

// newKey takes the keys of one algorithm: a key that came by mistake is not to sign by another.
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
		return nil, errors.New("is no key on P-256, which ES256 needs")
	case jwt.SigningMethodRS256.Alg():
		return nil, fmt.Errorf("is no RSA key of %d to %d bits, which RS256 needs", jwk.MinRSABits, jwk.MaxRSABits)
	default:
		return nil, errors.New("has no algorithm: it must be ES256 or RS256")
	}
}

func newSigningKey(private crypto.PrivateKey, public crypto.PublicKey, method jwt.SigningMethod) (*key, error) {
	kid, err := jwk.Thumbprint(public)
	if err != nil {
		return nil, errors.New("has no thumbprint")
	}
	published, err := json.Marshal(jose.JSONWebKey{Key: public, KeyID: kid, Algorithm: method.Alg(), Use: "sig"})
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
