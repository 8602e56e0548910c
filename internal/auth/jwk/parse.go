package jwk

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Key is a public key that verifies signatures.
type Key struct {
	// ID is the kid, empty if the key has none.
	ID string
	// Algorithm is the only algorithm that the key is for, empty if unspecified.
	Algorithm string
	// Public is an *rsa.PublicKey, an *ecdsa.PublicKey or an ed25519.PublicKey that has passed [Check].
	Public crypto.PublicKey
}

// jsonKey has the members that Parse reads from a key in a key set (RFC 7517 section 4).
type jsonKey struct {
	Use    string   `json:"use"`
	KeyOps []string `json:"key_ops"` //nolint:tagliatelle // the name in the RFC
	Alg    string   `json:"alg"`
	Kid    string   `json:"kid"`
	material
	secrets
}

// material has the members of a public key (RFC 7518 section 6, RFC 8037 section 2). Only these are passed to go-jose,
// which would reject a key for an error in x5c or x5t, although the gateway does not use those members.
type material struct {
	Kty string `json:"kty"`
	N   string `json:"n,omitzero"`
	E   string `json:"e,omitzero"`
	Crv string `json:"crv,omitzero"`
	X   string `json:"x,omitzero"`
	Y   string `json:"y,omitzero"`
}

// secrets has the members of private keys (RFC 7518 section 6, RFC 9964).
type secrets struct {
	D    jsontext.Value `json:"d"`
	P    jsontext.Value `json:"p"`
	Q    jsontext.Value `json:"q"`
	Dp   jsontext.Value `json:"dp"`
	Dq   jsontext.Value `json:"dq"`
	Qi   jsontext.Value `json:"qi"`
	Oth  jsontext.Value `json:"oth"`
	K    jsontext.Value `json:"k"`
	Priv jsontext.Value `json:"priv"`
}

// hasSecret reports whether the key has any of the members.
func (s *secrets) hasSecret() bool {
	return slices.ContainsFunc([]jsontext.Value{s.D, s.P, s.Q, s.Dp, s.Dq, s.Qi, s.Oth, s.K, s.Priv},
		func(v jsontext.Value) bool { return len(v) > 0 })
}

// maxID is the maximum length of a kid, which appears in the log.
const maxID = 128

// ValidID reports whether a kid is 1 to 128 characters of printable ASCII, so that it can be logged.
func ValidID(kid string) bool {
	return kid != "" && len(kid) <= maxID && !strings.ContainsFunc(kid, func(r rune) bool { return r < ' ' || r > '~' })
}

// Parse parses one key of a set. Its error is the reason why the key cannot be used, for the log.
func Parse(text []byte) (Key, error) {
	var p jsonKey
	if err := json.Unmarshal(text, &p); err != nil {
		return Key{}, errors.New("is not a JSON Web Key")
	}
	switch {
	case p.Use != "" && p.Use != "sig":
		return Key{}, errors.New("is not for signatures (use)")
	case p.KeyOps != nil && !slices.Contains(p.KeyOps, "verify"):
		return Key{}, errors.New("is not for verification (key_ops)")
	case p.Kid != "" && !ValidID(p.Kid):
		return Key{}, errors.New("the kid is too long or not printable")
	case p.hasSecret(): // anyone who can read the key set could sign with it
		return Key{}, errors.New("is a private key")
	}
	public, err := p.public()
	if err != nil {
		return Key{}, err
	}
	return Key{ID: p.Kid, Algorithm: p.Alg, Public: public}, Check(public)
}

// raiseLimit makes go-jose accept RSA keys of up to MaxRSABits. The library's limit is a global variable that must be
// set before the first key is parsed. Only this package parses keys with go-jose.
var raiseLimit = sync.OnceFunc(func() { jose.MaxRSAModulusBits = MaxRSABits }) //nolint:gochecknoglobals // see above

func (m material) public() (crypto.PublicKey, error) {
	raiseLimit()
	text, err := json.Marshal(m)
	if err != nil {
		return nil, errors.New("is not a JSON Web Key")
	}
	var k jose.JSONWebKey
	switch err = k.UnmarshalJSON(text); {
	case errors.Is(err, jose.ErrUnsupportedKeyType):
		return nil, errKeyType
	case err != nil: // truncated, because the error may quote the name of a curve
		return nil, fmt.Errorf("is not a valid public key: %.80s", strings.TrimPrefix(err.Error(), "go-jose/go-jose: "))
	}
	return k.Key, nil
}
