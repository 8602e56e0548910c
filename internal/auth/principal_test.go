package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
)

func TestContextWithPrincipal(t *testing.T) {
	t.Parallel()
	want := &auth.Principal{Name: "dev"}
	got, ok := auth.PrincipalFrom(auth.WithPrincipal(t.Context(), want))
	require.True(t, ok)
	require.Same(t, want, got)
}

func TestContextWithoutPrincipal(t *testing.T) {
	t.Parallel()
	_, ok := auth.PrincipalFrom(t.Context())
	require.False(t, ok)
	_, ok = auth.PrincipalFrom(auth.WithPrincipal(t.Context(), nil))
	require.False(t, ok, "a nil principal does not count as a principal")
}
