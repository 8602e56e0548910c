package jwt

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/flowgate/flowgate/internal/watched"
)

// pemFile is the source of the keys in a file, which is read again when it changes. The operator vouches for them, so that
// they never grow stale.
type pemFile struct {
	file     *watched.File[keySet]
	interval time.Duration
}

func openPEM(path string, algorithms []string, options watched.Options, interval time.Duration) (*pemFile, error) {
	file, err := watched.Open(path, func(content []byte, inForce *keySet) (*keySet, error) {
		keys, err := parsePEM(content, algorithms)
		if err != nil {
			return nil, err
		}
		return inForce.take(keys, time.Time{}), nil
	}, options)
	return &pemFile{file: file, interval: interval}, err
}

func (f *pemFile) current(time.Time) (*keySet, error) { return f.file.Load(), nil }

// find gives the key that a token is to be verified with. The operator's file says nothing of the issuer's kids, so one
// that is not the thumbprint of a key counts as none.
func (f *pemFile) find(_ context.Context, t *token) (*key, error) {
	keys := f.file.Load()
	found := keys.named(t.kid, t.alg)
	if found == nil && !keys.knows(t.kid) {
		found = keys.unnamed(t.alg)
	}
	if found == nil {
		return nil, invalid("no single key fits the token")
	}
	return found, nil
}

func (f *pemFile) watch(ctx context.Context) { watched.Follow(ctx, f.interval, f.file.Poll) }

func (f *pemFile) age(time.Time) (time.Duration, bool) { return 0, false }

// parsePEM reads public keys and certificates. Of a certificate only the key counts: the operator has chosen it, and its
// own dates are for another protocol. Unlike a published set, a file with one bad key is refused: it is a slip.
func parsePEM(content []byte, algorithms []string) ([]*key, error) {
	var keys []*key
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		public, err := parseBlock(block)
		if err == nil {
			err = check(public)
		}
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", len(keys)+1, err)
		}
		k := &key{kid: thumbprint(public), public: public}
		if !k.fitsAny(algorithms) {
			return nil, fmt.Errorf("key %d is for none of the issuer's algorithms", len(keys)+1)
		}
		keys = append(keys, k)
		if len(keys) > maxKeys {
			return nil, fmt.Errorf("more than %d keys", maxKeys)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no public key in PEM")
	}
	return keys, nil
}

func parseBlock(block *pem.Block) (crypto.PublicKey, error) {
	var public crypto.PublicKey
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var certificate *x509.Certificate
		if certificate, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = certificate.PublicKey
		}
	default:
		// Most likely a private key, which has no business here.
		return nil, errors.New("neither a public key nor a certificate")
	}
	if err != nil {
		return nil, errors.New("not readable as what its first line says")
	}
	return public, nil
}

// thumbprint is the kid of a key that has none given (RFC 7638 section 3, RFC 8037 section 2).
func thumbprint(public crypto.PublicKey) string {
	encode := base64.RawURLEncoding.EncodeToString
	var members string
	switch public := public.(type) {
	case *rsa.PublicKey:
		members = fmt.Sprintf(`{"e":%q,"kty":"RSA","n":%q}`, encode(big.NewInt(int64(public.E)).Bytes()), encode(public.N.Bytes()))
	case *ecdsa.PublicKey:
		point, _ := public.Bytes() // fails for unusual curves only, which have been refused
		size := len(point) / 2
		members = fmt.Sprintf(`{"crv":%q,"kty":"EC","x":%q,"y":%q}`,
			public.Params().Name, encode(point[1:1+size]), encode(point[1+size:]))
	case ed25519.PublicKey:
		members = fmt.Sprintf(`{"crv":"Ed25519","kty":"OKP","x":%q}`, encode(public))
	}
	sum := sha256.Sum256([]byte(members))
	return encode(sum[:])
}
