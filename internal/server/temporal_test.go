package server_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// inTemporal runs a test against a gateway with the keys, whose upstream answers
// every bound method with an empty message.
func inTemporal(t *testing.T, configure func(*config.Config), test func(t *testing.T, g *gateway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{configure: func(cfg *config.Config) {
			withTemporalKeys(t)(cfg)
			if configure != nil {
				configure(cfg)
			}
		}})
		synctest.Wait() // past the health watch's first call
		for _, b := range linkedBindings(t) {
			if b.method.Name() != "GetSystemInfo" {
				g.upstream.Handle(string(b.method.Name()), upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{}))
			}
		}
		test(t, g)
	})
}

func TestEveryRuleLeadsToItsRPC(t *testing.T) {
	t.Parallel()
	inTemporal(t, nil, func(t *testing.T, g *gateway) {
		prefixes := map[bool]int{}
		for _, b := range linkedBindings(t) {
			before := len(g.upstream.Calls(string(b.method.Name())))
			a := g.do(t, b.verb, b.path("default"), b.message("default"), bearer(rootKey)...)
			require.Equal(t, http.StatusOK, a.status, "%s %s: %s", b.verb, b.pattern, a.body)
			require.Equal(t, "application/json", a.header.Get("Content-Type"))
			calls := g.upstream.Calls(string(b.method.Name()))
			require.Len(t, calls, before+1, b.pattern)
			request := b.request(t, calls[before])
			require.Empty(t, request.GetUnknown())
			for _, variable := range b.variables {
				require.Equal(t, value(variable, "default"), text(request, variable), b.pattern)
			}
			if b.access(t).Scope == auth.ScopeNamespace {
				require.Equal(t, "default", text(request, "namespace"), b.pattern)
				require.Equal(t, []string{"default"}, calls[before].Metadata.Get("temporal-namespace"), b.pattern)
			}
			if b.method.Input().Fields().ByName("identity") != nil {
				require.Equal(t, "root", text(request, "identity"), b.pattern)
			}
			prefixes[strings.HasPrefix(b.pattern, "/api/v1/")]++
		}
		require.Equal(t, prefixes[true], prefixes[false], "each is there with the prefix and without")
		t.Logf("%d rules", prefixes[true]+prefixes[false])
	})
}

func TestIdentityIsTheKeysWhateverTheCallerSays(t *testing.T) {
	t.Parallel()
	inTemporal(t, nil, func(t *testing.T, g *gateway) {
		g.do(t, http.MethodPost, "/namespaces/default/workflows/w/signal/s", `{"identity":"somebody"}`)
		g.do(t, http.MethodDelete, "/namespaces/default/schedules/s?identity=somebody", "")
		for _, method := range []string{"SignalWorkflowExecution", "DeleteSchedule"} {
			calls := g.upstream.Calls(method)
			require.Len(t, calls, 1)
			require.Equal(t, "writer", text(requestOf(t, calls[0]), "identity"), method)
		}
	})
}

func TestTheNearestRuleWins(t *testing.T) {
	t.Parallel()
	inTemporal(t, nil, func(t *testing.T, g *gateway) {
		for path, method := range map[string]string{
			"/namespaces/default/workflows/w/history":         "GetWorkflowExecutionHistory",
			"/namespaces/default/workflows/w/history-reverse": "GetWorkflowExecutionHistoryReverse",
			"/namespaces/default/workflows/history":           "DescribeWorkflowExecution",
			"/api/v1/namespaces/default/workflows":            "ListWorkflowExecutions",
			"/api/v1/namespaces/default":                      "DescribeNamespace",
			"/cluster/namespaces/default":                     "DescribeNamespace",
			"/namespaces/default/workflows/w%2Fhistory":       "DescribeWorkflowExecution", // which is an id
		} {
			before := len(g.upstream.Calls(method))
			require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, path, "").status, path)
			require.Len(t, g.upstream.Calls(method), before+1, path)
		}
	})
}
