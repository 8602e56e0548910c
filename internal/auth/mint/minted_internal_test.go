package mint

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCachedTokenIsUsableOnlyInItsWindow(t *testing.T) {
	t.Parallel()
	token := mintedToken{header: "token", from: 10, until: 20}
	for now, want := range map[int64]bool{9: false, 10: true, 19: true, 20: false} {
		require.Equal(t, want, token.usable(now), now)
	}
}
