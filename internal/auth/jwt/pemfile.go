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

// pemFile is a source that reads keys from a file and reloads it when it changes. The operator has chosen the
// keys, so they never become stale.
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
		return inForce.update(keys, time.Time{}), nil // no fetch time: keys from a file never become stale
	}, options)
	return &pemFile{file: file, interval: interval}, err
}

func (f *pemFile) current(time.Time) (*keySet, error) { return f.file.Load(), nil }

// find returns the key to verify a token with. The file does not contain the issuer's kids, so a kid that is not the
// thumbprint of a key is ignored.
func (f *pemFile) find(_ context.Context, t *token) (*key, error) {
	keys := f.file.Load()
	found := keys.findByKid(t.kid, t.alg)
	if found == nil && !keys.hasKid(t.kid) {
		found = keys.findByAlgorithm(t.alg)
	}
	if found == nil {
		return nil, invalid("no single key matches the token")
	}
	return found, nil
}

func (f *pemFile) watch(ctx context.Context) { reload.PollInterval(ctx, f.interval, f.file.Poll) }

// fetch returns nil: the file was read when it was opened.
func (f *pemFile) fetch(context.Context) error { return nil }

func (f *pemFile) age(time.Time) (time.Duration, bool) { return 0, false }

// parsePEM parses public keys and certificates. Of a certificate it uses only the key and ignores the validity period,
// because the operator has chosen the key. A file with one invalid key is rejected, unlike a fetched key set, because
// the invalid key is a mistake of the operator.
func parsePEM(content []byte, algorithms []string) ([]*key, error) {
	var keys []*key
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		k, err := parseBlock(block)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", len(keys)+1, err)
		}
		if !k.supportsAny(algorithms) {
			return nil, fmt.Errorf("key %d: matches none of the issuer's algorithms", len(keys)+1)
		}
		keys = append(keys, k)
		if len(keys) > maxKeys {
			return nil, fmt.Errorf("more than %d keys", maxKeys)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("contains no PEM public key")
	}
	return keys, nil
}

// parseBlock parses one key. Its kid is the thumbprint.
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
		// Probably a private key, which must not be in this file.
		return nil, errors.New("neither a public key nor a certificate")
	}
	if err != nil {
		return nil, errors.New("does not match the type of its PEM block")
	}
	if err = jwk.Check(public); err != nil {
		return nil, err
	}
	kid, err := jwk.Thumbprint(public)
	return &key{kid: kid, public: public}, err
}
