package seal_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/seal"
)

func TestSealedTextOpensOnlyInItsScope(t *testing.T) {
	t.Parallel()
	keys, err := seal.Open(nil)
	require.NoError(t, err)
	text := keys.Seal(seal.Scope{"page", "dev"}, []byte("content"))
	content, ok := keys.Open(seal.Scope{"page", "dev"}, text)
	require.True(t, ok)
	require.Equal(t, "content", string(content))
	for _, scope := range []seal.Scope{nil, {"page"}, {"page", "dev", ""}, {"dev", "page"}, {"paged", "ev"}, {"page3:dev"}} {
		_, ok := keys.Open(scope, text)
		require.False(t, ok, "%q", scope)
	}
	other, err := seal.Open(nil)
	require.NoError(t, err)
	_, ok = other.Open(seal.Scope{"page", "dev"}, text)
	require.False(t, ok)
	_, err = seal.New([]byte(strings.Repeat("k", 31)))
	require.ErrorContains(t, err, "shorter than 32 bytes")
}
