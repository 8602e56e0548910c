package temporalhttp_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/server/servertest"
)

func TestPathIDsAreDecodedOnce(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		for escaped, id := range map[string]string{
			"a%2Fb": "a/b", "a%2fb": "a/b", "a%252Fb": "a%2Fb", "a%20b": "a b", "a+b": "a+b", "a%2Bb": "a+b", "a%25b": "a%b", "a%2525b": "a%25b",
			"%C3%A4": "ä", "ä": "ä", "%F0%9F%98%80": "😀", "a:b": "a:b", "a;b=c": "a;b=c", "a&b": "a&b", "a%3Fb": "a?b", "a%23b": "a#b", "%7Bid%7D": "{id}",
			"a%2Fb{": "a/b{", "%61": "a", "-": "-", "...": "...", "a%2F": "a/", "%2Fhistory": "/history", "%E2%80%A8": "\u2028", "a%22b": `a"b`, "a\\b": `a\b`,
		} {
			for _, prefix := range []string{"", "/api/v1"} {
				for _, c := range []struct{ path, method, field string }{
					{"/namespaces/default/workflows/" + escaped, "DescribeWorkflowExecution", "execution.workflow_id"},
					{"/namespaces/default/workflows/" + escaped + "/history", "GetWorkflowExecutionHistory", "execution.workflow_id"},
					{"/namespaces/default/task-queues/" + escaped, "DescribeTaskQueue", "task_queue.name"},
				} {
					before := len(g.Upstream.Calls(c.method))
					resp := servertest.Request{Path: prefix + c.path}.SendRaw(t, g)
					require.Equal(t, http.StatusOK, resp.Status, "%s: %s", c.path, resp.Body)
					calls := g.Upstream.Calls(c.method)
					require.Len(t, calls, before+1, c.path)
					require.Equal(t, id, servertest.FieldString(servertest.DecodeRequest(t, calls[before]), c.field), c.path)
				}
			}
		}
	})
}

func TestInvalidPathIDsReturn400(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		before := len(g.Upstream.AllCalls())
		for _, id := range []string{"%00", "%FF", "a%0Ab", ".", "..", "%2E%2E", "%7F"} {
			resp := servertest.Request{Path: "/namespaces/default/workflows/" + id}.SendRaw(t, g)
			servertest.RequireRPCError(t, resp, http.StatusBadRequest, codes.InvalidArgument)
		}
		require.Len(t, g.Upstream.AllCalls(), before)
	})
}

// A body can contain namespaces at any depth. If one differs from the namespace in the
// path, the gateway makes no call, even if the caller has grants on both.
func TestNamespaceThatDiffersFromThePathIsRejected(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		before := len(g.Upstream.AllCalls())
		link := `{"links":[{"workflowEvent":{"namespace":"other","workflowId":"w","runId":"r"}}]}`
		for path, bodies := range map[string][]string{
			"/workflows/w":           {`{"namespace":"other"}`, link, `{"namespace":"default-x"}`, `{"memo":{"fields":{}},"links":[{},{"workflowEvent":{}}],"namespace":"x"}`},
			"/workflows/w/signal/s":  {`{"namespace":"other"}`, link},
			"/workflows/w/terminate": {`{"namespace":"Default"}`, link},
			"/workflows/w/reset":     {`{"namespace":" default"}`},
			"/schedules/s":           {`{"namespace":"other"}`},
		} {
			for _, body := range bodies {
				resp := g.Do(t, http.MethodPost, "/api/v1/namespaces/default"+path, body)
				servertest.RequireRPCError(t, resp, http.StatusBadRequest, codes.InvalidArgument)
			}
		}
		for _, path := range []string{"/cluster/namespaces/default?id=4c2b", "/api/v1/namespaces/default?id=x"} { // an id could select another namespace
			servertest.RequireRPCError(t, g.Do(t, http.MethodGet, path, ""), http.StatusBadRequest, codes.InvalidArgument)
		}
		require.Len(t, g.Upstream.AllCalls(), before)

		for _, path := range []string{"/namespaces/default/workflows?namespace=other", "/namespaces/default/workflows?namespace=other&namespace=x"} {
			require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, path, "").Status, "the path sets this field, so the query parameter is ignored")
		}
		for _, call := range g.Upstream.Calls("ListWorkflowExecutions") {
			require.Equal(t, "default", servertest.NamespaceOf(t, call))
		}
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodPost, "/namespaces/default/workflows/w", `{"namespace":"default"}`).Status)
	})
}

func TestPathVariablesOverrideTheBody(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		resp := g.Do(t, http.MethodPost, "/namespaces/default/workflows/w/signal/s",
			`{"workflowExecution":{"workflowId":"other","runId":"r"},"signalName":"other","requestId":"q"}`)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		request := servertest.DecodeRequest(t, g.Upstream.Calls("SignalWorkflowExecution")[0])
		for path, want := range map[string]string{
			"workflow_execution.workflow_id": "w", "workflow_execution.run_id": "r", "signal_name": "s", "request_id": "q",
		} {
			require.Equal(t, want, servertest.FieldString(request, path))
		}
	})
}
