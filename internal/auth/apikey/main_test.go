package apikey_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The secrets of the tests are markers: a text that contains one has leaked it.
const (
	secretA = "MARKERaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	secretB = "MARKERbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	marker  = "MARKER"
)

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func writeFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// open opens a keys file with the given content.
func open(t testing.TB, content string, options ...apikey.Options) *apikey.Keys {
	t.Helper()
	keys, err := apikey.Open(writeFile(t, content), first(options))
	require.NoError(t, err)
	return keys
}

// first returns the given options, or the zero value.
func first(options []apikey.Options) apikey.Options { return append(options, apikey.Options{})[0] }

// oneKey is a keys file with one key, whose id is dev, with the given secret.
func oneKey(secret string) string {
	return "keys: [{id: dev, secrets: [{sha256: " + hashOf(secret) + "}], grants: [{namespace: default, role: write}]}]"
}

// authenticatorOf returns an authenticator that verifies keys.
func authenticatorOf(keys *apikey.Keys) *auth.Authenticator {
	return auth.NewAuthenticator(auth.Verifiers{Keys: keys})
}

// authenticate authenticates a request with the given headers.
func authenticate(a *auth.Authenticator, h http.Header) (*auth.Principal, error) {
	return a.Authenticate(&http.Request{Header: h})
}
