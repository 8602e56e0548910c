package handlers

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
)

func TestPageTokenIsBoundToItsScope(t *testing.T) {
	t.Parallel()
	keys, err := OpenTokenKeys(nil)
	require.NoError(t, err)
	scope := tokenScope{principal: "dev", namespace: "default", operation: "listWorkflows", query: "A = 1"}
	token := keys.seal(scope, []byte("upstream"))
	opened, err := keys.open(scope, token)
	require.NoError(t, err)
	require.Equal(t, "upstream", string(opened))
	for name, other := range map[string]tokenScope{
		"principal":     {principal: "read", namespace: "default", operation: "listWorkflows", query: "A = 1"},
		"namespace":     {principal: "dev", namespace: "other", operation: "listWorkflows", query: "A = 1"},
		"operation":     {principal: "dev", namespace: "default", operation: "listSchedules", query: "A = 1"},
		"query":         {principal: "dev", namespace: "default", operation: "listWorkflows", query: "A = 2"},
		"shifted parts": {principal: "devdefault", namespace: "", operation: "listWorkflows", query: "A = 1"},
	} {
		_, err := keys.open(other, token)
		require.True(t, problem.Is(err, problem.InvalidPageToken), name)
	}
}

func TestPageTokenCannotBeMadeOrChanged(t *testing.T) {
	t.Parallel()
	keys, err := OpenTokenKeys(nil)
	require.NoError(t, err)
	scope := tokenScope{principal: "dev"}
	token := keys.seal(scope, []byte("upstream"))
	raw, err := base64.RawURLEncoding.DecodeString(token)
	require.NoError(t, err)
	for i := range raw {
		changed := append([]byte(nil), raw...)
		changed[i] ^= 1
		_, err := keys.open(scope, base64.RawURLEncoding.EncodeToString(changed))
		require.True(t, problem.Is(err, problem.InvalidPageToken), i)
	}
	for _, bad := range []string{"x", "!!!", token + "=", token[:len(token)-1], strings.Repeat("A", 22)} {
		_, err := keys.open(scope, bad)
		require.True(t, problem.Is(err, problem.InvalidPageToken), bad)
	}
}

func TestPageTokenKeysRotate(t *testing.T) {
	t.Parallel()
	file := func(content string) string {
		name := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
		return name
	}
	older, newer := file(strings.Repeat("o", 32)), file(strings.Repeat("n", 32))
	before, err := OpenTokenKeys([]string{older})
	require.NoError(t, err)
	after, err := OpenTokenKeys([]string{newer, older})
	require.NoError(t, err)
	scope := tokenScope{principal: "dev"}
	_, err = after.open(scope, before.seal(scope, []byte("x")))
	require.NoError(t, err, "the older key still verifies")
	_, err = before.open(scope, after.seal(scope, []byte("x")))
	require.Error(t, err, "the newer one signs")
	_, err = OpenTokenKeys([]string{file("short")})
	require.ErrorContains(t, err, "shorter than 32 bytes")
}

func TestLastPageHasNoToken(t *testing.T) {
	t.Parallel()
	keys, err := OpenTokenKeys(nil)
	require.NoError(t, err)
	require.Empty(t, keys.seal(tokenScope{}, nil))
	opened, err := keys.open(tokenScope{}, "")
	require.NoError(t, err)
	require.Nil(t, opened)
}
