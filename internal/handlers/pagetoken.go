package handlers

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"github.com/flowgate/flowgate/internal/problem"
)

// TokenKeys sign page tokens: an upstream token is the server's own memory,
// and a caller must neither make one nor carry one to another namespace or
// operation.
type TokenKeys struct {
	keys [][]byte // the first signs, all verify
}

// macBytes is how much of the HMAC-SHA256 a token carries (RFC 2104 section 5
// allows half).
const macBytes = 16

// minTokenKeyBytes is HMAC-SHA256's recommended key size.
const minTokenKeyBytes = 32

// OpenTokenKeys reads the key files. Without files it makes a random key, so
// that tokens are good on this replica and until it stops.
func OpenTokenKeys(files []string) (*TokenKeys, error) {
	if len(files) == 0 {
		key := make([]byte, minTokenKeyBytes)
		_, _ = rand.Read(key) // never fails
		return &TokenKeys{keys: [][]byte{key}}, nil
	}
	tokens := &TokenKeys{}
	for _, file := range files {
		key, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("token key: %w", err)
		}
		if len(key) < minTokenKeyBytes {
			return nil, fmt.Errorf("token key %s: shorter than %d bytes", file, minTokenKeyBytes)
		}
		tokens.keys = append(tokens.keys, key)
	}
	return tokens, nil
}

// tokenScope is what a token is bound to. Query is part of it because the
// server's token continues one query only.
type tokenScope struct {
	principal, namespace, operation, query string
}

// seal makes the caller's form of an upstream page token; an empty one, the
// end of the list, stays empty.
func (t *TokenKeys) seal(scope tokenScope, upstream []byte) string {
	if len(upstream) == 0 {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(scope.mac(t.keys[0], upstream), upstream...))
}

// open gives back the upstream's token.
func (t *TokenKeys) open(scope tokenScope, token string) ([]byte, error) {
	if token == "" {
		return nil, nil
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err == nil && len(sealed) > macBytes && !strings.ContainsAny(token, "\r\n") { // which base64 skips, even when strict
		upstream := sealed[macBytes:]
		for _, key := range t.keys {
			if hmac.Equal(sealed[:macBytes], scope.mac(key, upstream)) {
				return upstream, nil
			}
		}
	}
	return nil, problem.New(problem.InvalidPageToken, "The page token was not made for this caller, namespace and query.")
}

func (s tokenScope) mac(key, upstream []byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{s.principal, s.namespace, s.operation, s.query} {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part) // lengths keep the parts apart
	}
	_, _ = mac.Write(upstream)
	return mac.Sum(nil)[:macBytes]
}
