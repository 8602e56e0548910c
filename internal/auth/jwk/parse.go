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

// Key is a public key to verify signatures with.
type Key struct {
	// ID is the kid, empty when the key has none.
	ID string
	// Algorithm is the only one that the key is for, empty when it does not say.
	Algorithm string
	// Public is an *rsa.PublicKey, an *ecdsa.PublicKey or an ed25519.PublicKey that has passed [Check].
	Public crypto.PublicKey
}

// published is what is read of a key in a set (RFC 7517 section 4).
type published struct {
	Use    string   `json:"use"`
	KeyOps []string `json:"key_ops"` //nolint:tagliatelle // as the RFC has it
	Alg    string   `json:"alg"`
	Kid    string   `json:"kid"`
	material
	secrets
}

// material is what makes a public key (RFC 7518 section 6, RFC 8037 section 2). go-jose is given nothing else: it would
// refuse a key for a fault in its x5c or x5t, on which nothing here relies.
type material struct {
	Kty string `json:"kty"`
	N   string `json:"n,omitzero"`
	E   string `json:"e,omitzero"`
	Crv string `json:"crv,omitzero"`
	X   string `json:"x,omitzero"`
	Y   string `json:"y,omitzero"`
}

// secrets are the members of private keys (RFC 7518 section 6, RFC 9964).
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

func (s *secrets) any() bool {
	return slices.ContainsFunc([]jsontext.Value{s.D, s.P, s.Q, s.Dp, s.Dq, s.Qi, s.Oth, s.K, s.Priv},
		func(v jsontext.Value) bool { return len(v) > 0 })
}

// maxID bounds what a kid may be; it is shown in the log.
const maxID = 128

// ValidID reports whether a kid can be shown: 1 to 128 characters of printable ASCII.
func ValidID(kid string) bool {
	return kid != "" && len(kid) <= maxID && !strings.ContainsFunc(kid, func(r rune) bool { return r < ' ' || r > '~' })
}

// Parse reads one key of a set. Its error says why the key is of no use, for the log.
func Parse(text []byte) (Key, error) {
	var p published
	if err := json.Unmarshal(text, &p); err != nil {
		return Key{}, errors.New("not a JSON Web Key")
	}
	switch {
	case p.Use != "" && p.Use != "sig":
		return Key{}, errors.New("not for signatures (use)")
	case p.KeyOps != nil && !slices.Contains(p.KeyOps, "verify"):
		return Key{}, errors.New("not to verify with (key_ops)")
	case p.Kid != "" && !ValidID(p.Kid):
		return Key{}, errors.New("its kid is too long or not printable")
	case p.any():
		// Everybody can sign with a key whose private half is published.
		return Key{}, errors.New("a private key")
	}
	public, err := p.public()
	if err != nil {
		return Key{}, err
	}
	return Key{ID: p.Kid, Algorithm: p.Alg, Public: public}, Check(public)
}

// raiseLimit has go-jose take RSA keys up to our own bound. The library's limit is a variable of the process that must be
// set before anything is parsed, and this package is all that parses keys by it.
var raiseLimit = sync.OnceFunc(func() { jose.MaxRSAModulusBits = MaxRSABits }) //nolint:gochecknoglobals // see above

func (m material) public() (crypto.PublicKey, error) {
	raiseLimit()
	text, err := json.Marshal(m)
	if err != nil {
		return nil, errors.New("not a JSON Web Key")
	}
	var k jose.JSONWebKey
	switch err = k.UnmarshalJSON(text); {
	case errors.Is(err, jose.ErrUnsupportedKeyType):
		return nil, errOtherKind
	case err != nil: // bounded, since it may quote the name of a curve
		return nil, fmt.Errorf("not a valid public key: %.80s", strings.TrimPrefix(err.Error(), "go-jose/go-jose: "))
	}
	return k.Key, nil
}
