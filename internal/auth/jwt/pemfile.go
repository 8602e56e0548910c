package jwt

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/flowgate/flowgate/internal/auth/jwk"
	"github.com/flowgate/flowgate/internal/reload"
)

// pemFile is the source of the keys in a file, which is read again when it changes. The operator vouches for them, so that
// they never grow stale.
type pemFile struct {
	file     *reload.File[keySet]
	interval time.Duration
}

func openPEM(path string, algorithms []string, options reload.Options, interval time.Duration) (*pemFile, error) {
	file, err := reload.Open(path, func(content []byte, inForce *keySet) (*keySet, error) {
		keys, err := parsePEM(content, algorithms)
		if err != nil {
			return nil, err
		}
		return inForce.update(keys, time.Time{}), nil
	}, options)
	return &pemFile{file: file, interval: interval}, err
}

func (f *pemFile) current(time.Time) (*keySet, error) { return f.file.Load(), nil }

// find gives the key that a token is to be verified with. The operator's file says nothing of the issuer's kids, so one
// that is not the thumbprint of a key counts as none.
func (f *pemFile) find(_ context.Context, t *token) (*key, error) {
	keys := f.file.Load()
	found := keys.findByKid(t.kid, t.alg)
	if found == nil && !keys.hasKid(t.kid) {
		found = keys.findByAlgorithm(t.alg)
	}
	if found == nil {
		return nil, invalid("no single key fits the token")
	}
	return found, nil
}

func (f *pemFile) watch(ctx context.Context) { reload.Every(ctx, f.interval, f.file.Poll) }

func (f *pemFile) age(time.Time) (time.Duration, bool) { return 0, false }

// parsePEM reads public keys and certificates. Of a certificate only the key counts: the operator has chosen it, and its
// own dates are for another protocol. Unlike a published set, a file with one bad key is refused: it is a slip.
func parsePEM(content []byte, algorithms []string) ([]*key, error) {
	var keys []*key
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		k, err := parseBlock(block)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", len(keys)+1, err)
		}
		if !k.supportsAny(algorithms) {
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

// parseBlock names the key by its thumbprint.
func parseBlock(block *pem.Block) (*key, error) {
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
	if err = jwk.Check(public); err != nil {
		return nil, err
	}
	kid, err := jwk.Thumbprint(public)
	return &key{kid: kid, public: public}, err
}
