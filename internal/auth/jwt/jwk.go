package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// jwk is what is read of a key in a set (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
type jwk struct {
	Kty    string   `json:"kty"`
	Use    string   `json:"use"`
	KeyOps []string `json:"key_ops"` //nolint:tagliatelle // as the RFC has it
	Alg    string   `json:"alg"`
	Kid    string   `json:"kid"`

	N   string `json:"n"`
	E   string `json:"e"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`

	// D is there in private keys only.
	D jsontext.Value `json:"d"`
}

// parseJWKS reads a key set. Keys that cannot be used for the algorithms are left out, with what is wrong with them: an
// issuer may publish keys for other purposes, and some that are younger than this program. A set in which none remains is
// an error, as is one that is not a JWKS at all.
func parseJWKS(content []byte, algorithms []string) (keys []*key, skipped []string, err error) {
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err = json.Unmarshal(content, &set); err != nil {
		return nil, nil, errors.New("the answer is not a JSON Web Key Set")
	}
	if len(set.Keys) > maxKeys {
		return nil, nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	for i, text := range set.Keys {
		k, err := parseJWK(text)
		switch {
		case err != nil:
			skipped = append(skipped, fmt.Sprintf("keys[%d]: %s", i, err))
		case !k.fitsAny(algorithms):
			skipped = append(skipped, fmt.Sprintf("keys[%d]: for none of the issuer's algorithms", i))
		case !slices.ContainsFunc(keys, k.equal):
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, skipped, errors.New("the set has no usable key")
	}
	return keys, skipped, nil
}

func parseJWK(text jsontext.Value) (*key, error) {
	var j jwk
	if err := json.Unmarshal(text, &j); err != nil {
		return nil, errors.New("not a JSON Web Key")
	}
	switch {
	case j.Use != "" && j.Use != "sig":
		return nil, errors.New("not for signatures (use)")
	case j.KeyOps != nil && !slices.Contains(j.KeyOps, "verify"):
		return nil, errors.New("not to verify with (key_ops)")
	case j.Kid != "" && !validKeyID(j.Kid):
		return nil, errors.New("its kid is too long or not printable")
	case len(j.D) > 0:
		// Everybody can sign with a key whose private half is published.
		return nil, errors.New("a private key")
	}
	public, err := j.public()
	if err != nil {
		return nil, err
	}
	return &key{kid: j.Kid, alg: j.Alg, public: public}, check(public)
}

func (j *jwk) public() (crypto.PublicKey, error) {
	switch j.Kty {
	case "RSA":
		return j.rsa()
	case "EC":
		return j.ec()
	case "OKP":
		x, err := decode(j.X)
		if err != nil || j.Crv != "Ed25519" || len(x) != ed25519.PublicKeySize {
			return nil, errors.New("an OKP key that is not an Ed25519 one")
		}
		return ed25519.PublicKey(x), nil
	default:
		return nil, errors.New("a key of another kind than RSA, EC and OKP")
	}
}

func (j *jwk) rsa() (crypto.PublicKey, error) {
	n, errN := decode(j.N)
	e, errE := decode(j.E)
	// crypto/rsa takes no larger exponent.
	const maxExponent = 1<<31 - 1
	exponent := new(big.Int).SetBytes(e)
	if errN != nil || errE != nil || len(n) > maxRSABits/8+1 || len(e) > 4 || exponent.Int64() > maxExponent {
		return nil, errors.New("an RSA key with bad numbers")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
}

// ec reads a point. That it lies on its curve is checked by the parser of points.
func (j *jwk) ec() (crypto.PublicKey, error) {
	var curve elliptic.Curve
	switch j.Crv {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	default:
		return nil, errors.New("an EC key on another curve than P-256 and P-384")
	}
	x, errX := decode(j.X)
	y, errY := decode(j.Y)
	size := curve.Params().BitSize / 8
	if errX != nil || errY != nil || len(x) != size || len(y) != size {
		return nil, errors.New("an EC key with bad coordinates")
	}
	const uncompressed = 4
	public, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{uncompressed}, x, y))
	if err != nil {
		return nil, errors.New("an EC key that is no point of its curve")
	}
	return public, nil
}
