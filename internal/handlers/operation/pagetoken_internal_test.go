package operation

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/seal"
)

func TestPageTokenIsBoundToItsScope(t *testing.T) {
	t.Parallel()
	keys, err := seal.Open(nil)
	require.NoError(t, err)
	scope := tokenScope{principal: "dev", namespace: "default", operation: "listWorkflows", query: "A = 1"}
	token := sealPage(keys, scope, []byte("upstream"))
	opened, err := openPage(keys, scope, token)
	require.NoError(t, err)
	require.Equal(t, "upstream", string(opened))
	for name, other := range map[string]tokenScope{
		"principal":     {principal: "read", namespace: "default", operation: "listWorkflows", query: "A = 1"},
		"namespace":     {principal: "dev", namespace: "other", operation: "listWorkflows", query: "A = 1"},
		"operation":     {principal: "dev", namespace: "default", operation: "listSchedules", query: "A = 1"},
		"query":         {principal: "dev", namespace: "default", operation: "listWorkflows", query: "A = 2"},
		"shifted parts": {principal: "devdefault", namespace: "", operation: "listWorkflows", query: "A = 1"},
	} {
		_, err := openPage(keys, other, token)
		require.True(t, problem.Is(err, problem.InvalidPageToken), name)
	}
}

func TestForgedAndAlteredPageTokensAreRejected(t *testing.T) {
	t.Parallel()
	keys, err := seal.Open(nil)
	require.NoError(t, err)
	scope := tokenScope{principal: "dev"}
	token := sealPage(keys, scope, []byte("upstream"))
	raw, err := base64.RawURLEncoding.DecodeString(token)
	require.NoError(t, err)
	for i := range raw {
		changed := append([]byte(nil), raw...)
		changed[i] ^= 1
		_, err := openPage(keys, scope, base64.RawURLEncoding.EncodeToString(changed))
		require.True(t, problem.Is(err, problem.InvalidPageToken), i)
	}
	for _, bad := range []string{"x", "!!!", token + "=", token[:len(token)-1], strings.Repeat("A", 22)} {
		_, err := openPage(keys, scope, bad)
		require.True(t, problem.Is(err, problem.InvalidPageToken), bad)
	}
}

func TestPageTokenKeysRotate(t *testing.T) {
	t.Parallel()
	writeKey := func(content string) string {
		name := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
		return name
	}
	older, newer := writeKey(strings.Repeat("o", 32)), writeKey(strings.Repeat("n", 32))
	before, err := seal.Open([]string{older})
	require.NoError(t, err)
	after, err := seal.Open([]string{newer, older})
	require.NoError(t, err)
	scope := tokenScope{principal: "dev"}
	_, err = openPage(after, scope, sealPage(before, scope, []byte("x")))
	require.NoError(t, err, "a token sealed with the older key still opens")
	_, err = openPage(before, scope, sealPage(after, scope, []byte("x")))
	require.Error(t, err, "new tokens are sealed with the newer key")
	_, err = seal.Open([]string{writeKey("short")})
	require.ErrorContains(t, err, "shorter than 32 bytes")
}

func TestLastPageHasNoToken(t *testing.T) {
	t.Parallel()
	keys, err := seal.Open(nil)
	require.NoError(t, err)
	require.Empty(t, sealPage(keys, tokenScope{}, nil))
	opened, err := openPage(keys, tokenScope{}, "")
	require.NoError(t, err)
	require.Nil(t, opened)
}
