package temporalhttp_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// withGateway runs a test in a synctest bubble, with a gateway that has the keys of
// servertest.WithTemporalKeys. The upstream returns an empty message for every method
// that has a google.api.http rule.
func withGateway(t *testing.T, configure func(*config.Config), test func(t *testing.T, g *servertest.Gateway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			servertest.WithTemporalKeys(t)(cfg)
			if configure != nil {
				configure(cfg)
			}
		}})
		synctest.Wait() // until the first health check has ended
		for _, b := range servertest.Bindings(t) {
			if b.Method.Name() != "GetSystemInfo" { // the health check calls it too
				empty := &workflowservice.CountWorkflowExecutionsResponse{} // has the same wire bytes as any empty message
				g.Upstream.Handle(string(b.Method.Name()), upstreamtest.Respond(empty))
			}
		}
		test(t, g)
	})
}

func TestEveryRuleCallsItsRPC(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		count := map[bool]int{} // rules, by whether the path has the prefix /api/v1
		for _, b := range servertest.Bindings(t) {
			before := len(g.Upstream.Calls(string(b.Method.Name())))
			resp := g.Do(t, b.HTTPMethod, b.Path("default"), b.Body("default"), servertest.Bearer(servertest.RootKey)...)
			require.Equal(t, http.StatusOK, resp.Status, "%s %s: %s", b.HTTPMethod, b.Pattern, resp.Body)
			require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
			calls := g.Upstream.Calls(string(b.Method.Name()))
			require.Len(t, calls, before+1, b.Pattern)
			request := b.Request(t, calls[before])
			require.Empty(t, request.GetUnknown())
			for _, variable := range b.Variables {
				require.Equal(t, servertest.PathValue(variable, "default"), servertest.FieldString(request, variable), b.Pattern)
			}
			if b.Access(t).Scope == auth.ScopeNamespace {
				require.Equal(t, "default", servertest.FieldString(request, "namespace"), b.Pattern)
				require.Equal(t, []string{"default"}, calls[before].Metadata.Get("temporal-namespace"), b.Pattern)
			}
			if b.Method.Input().Fields().ByName("identity") != nil {
				require.Equal(t, "root", servertest.FieldString(request, "identity"), b.Pattern)
			}
			count[strings.HasPrefix(b.Pattern, "/api/v1/")]++
		}
		require.Equal(t, count[true], count[false], "each rule exists with and without the prefix")
		t.Logf("%d rules", count[true]+count[false])
	})
}

func TestIdentityIsReplaced(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		g.Do(t, http.MethodPost, "/namespaces/default/workflows/w/signal/s", `{"identity":"somebody"}`)
		g.Do(t, http.MethodDelete, "/namespaces/default/schedules/s?identity=somebody", "")
		for _, method := range []string{"SignalWorkflowExecution", "DeleteSchedule"} {
			calls := g.Upstream.Calls(method)
			require.Len(t, calls, 1)
			require.Equal(t, "writer", servertest.FieldString(servertest.DecodeRequest(t, calls[0]), "identity"), method)
		}
	})
}

func TestMostSpecificRuleMatches(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		for path, method := range map[string]string{
			"/namespaces/default/workflows/w/history":         "GetWorkflowExecutionHistory",
			"/namespaces/default/workflows/w/history-reverse": "GetWorkflowExecutionHistoryReverse",
			"/namespaces/default/workflows/history":           "DescribeWorkflowExecution",
			"/api/v1/namespaces/default/workflows":            "ListWorkflowExecutions",
			"/api/v1/namespaces/default":                      "DescribeNamespace",
			"/cluster/namespaces/default":                     "DescribeNamespace",
			"/namespaces/default/workflows/w%2Fhistory":       "DescribeWorkflowExecution", // the escaped slash is part of the id
		} {
			before := len(g.Upstream.Calls(method))
			require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, path, "").Status, path)
			require.Len(t, g.Upstream.Calls(method), before+1, path)
		}
	})
}
