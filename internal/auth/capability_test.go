package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
)

func TestEquivalentCapabilitiesHaveEqualScopes(t *testing.T) {
	t.Parallel()
	base := auth.Capability{Namespace: "n", WorkflowID: "w", Signals: []string{"a", "b"}}
	same := base
	same.Signals = []string{"b", "a", "b"}
	require.Equal(t, base.Scope(), same.Scope())
	require.Equal(t, []string{"b", "a", "b"}, same.Signals, "the capability is not modified")
	require.Empty(t, (*auth.Capability)(nil).Scope())
	seen := map[string]bool{"": true, base.Scope(): true}
	for _, other := range []auth.Capability{
		{},
		{Namespace: "n", WorkflowID: "w"},
		{Namespace: "n\"\"w", Signals: base.Signals},
		{Namespace: "n", WorkflowID: "w", RunID: "r"},
		{Namespace: "n", WorkflowID: "w", Signals: []string{"a b"}},
		{Namespace: "n", WorkflowID: "w", Signals: []string{"a\" \"b"}},
		{Namespace: "n", WorkflowID: "w", Updates: base.Signals},
		{Namespace: "n", WorkflowID: "w", Signals: base.Signals, Read: true},
		{Namespace: "n", WorkflowID: "w\xff"},
		{Namespace: "n", WorkflowID: "w\ufffd"},
		{Namespace: "n", WorkflowID: "W"},
	} {
		require.False(t, seen[other.Scope()], "%q", other.Scope())
		seen[other.Scope()] = true
	}
}
