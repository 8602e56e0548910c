// Package authtest has the API keys that tests of authentication use.
package authtest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
)

// Two secrets of API keys. Both contain Marker, so that a test can detect a leaked
// secret in a text.
const (
	SecretA = Marker + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	SecretB = Marker + "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	Marker  = "MARKER"
)

// HashOf returns the hash of a secret in the form that keys files contain.
func HashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// WriteFile writes a new file and returns its path.
func WriteFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// OpenKeys opens a keys file with the given content and at most one set of options.
func OpenKeys(t testing.TB, content string, options ...apikey.Options) *apikey.Keys {
	t.Helper()
	keys, err := apikey.Open(WriteFile(t, content), append(options, apikey.Options{})[0])
	require.NoError(t, err)
	return keys
}

// KeysFile returns the content of a keys file with one key, which has the id "dev" and
// the given secret.
func KeysFile(secret string) string {
	return "keys: [{id: dev, secrets: [{sha256: " + HashOf(secret) + "}], grants: [{namespace: default, role: write}]}]"
}

// Authenticate authenticates a request with the given headers.
func Authenticate(a *auth.Authenticator, h http.Header) (*auth.Principal, error) {
	return a.Authenticate(&http.Request{Header: h})
}
