package request_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
)

func TestInvalidNamespaceNamesAreRejected(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"default", "a b", "orders.acct-1", strings.Repeat("n", 1000)} {
		require.NoError(t, request.CheckNamespace(name), name)
	}
	for _, name := range []string{"é", "a\n", "\x7f", strings.Repeat("n", 1001)} {
		err := request.CheckNamespace(name)
		require.True(t, problem.Is(err, problem.NamespaceNotFound), name)
		require.Less(t, len(problem.Of(err).Detail), 300)
	}
}
