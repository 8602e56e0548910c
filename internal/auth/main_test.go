package auth_test

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
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The secrets of the tests are markers: wherever one shows up, it leaked.
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

func openKeys(t testing.TB, content string, options ...auth.Options) *auth.Keys {
	t.Helper()
	keys, err := auth.OpenKeys(writeFile(t, content), first(options))
	require.NoError(t, err)
	return keys
}

// first is the options that a test gives, or none.
func first(options []auth.Options) auth.Options { return append(options, auth.Options{})[0] }

// oneKey is a keys file of one key, id "dev", with the given secret.
func oneKey(secret string) string {
	return "keys: [{id: dev, secrets: [{sha256: " + hashOf(secret) + "}], grants: [{namespace: default, role: write}]}]"
}

// authenticate is what the gateway does with a request that has these headers.
func authenticate(a *auth.Authenticator, h http.Header) (*auth.Principal, error) {
	return a.Authenticate(&http.Request{Header: h})
}
