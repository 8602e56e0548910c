package convert

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestResultPathEncodesTheWorkflowID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"order-1": "/v1/namespaces/n/workflows/order-1/result?runId=r",
		"a b":     "/v1/namespaces/n/workflows/a%20b/result?runId=r",
		"a%2Fb":   "/v1/namespaces/n/workflows/a%252Fb/result?runId=r",
		"a/b":     "/v1/namespaces/n/workflows/-/result?runId=r&workflowId=a%2Fb",
		"..":      "/v1/namespaces/n/workflows/-/result?runId=r&workflowId=..",
	} {
		require.Equal(t, want, ResultPath("n", id, "r", url.Values{}))
	}
}

func TestPathsOfUpdatesAndNamespaces(t *testing.T) {
	t.Parallel()
	require.Equal(t, "/v1/namespaces/n/workflows/w", WorkflowPath("n", "w", ""))
	require.Equal(t, "/v1/namespaces/n/workflows/-/updates/-?updateId=.&workflowId=a%2Fb", UpdatePath("n", "a/b", "", ".", url.Values{}))
	require.Equal(t, "/v1/namespaces/a%20b", NamespacePath("a b"))
}
