package temporalhttp_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestNestedIdentitiesAreReplaced(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		decodeLastCall := func(method string, into proto.Message) {
			calls := g.Upstream.Calls(method)
			require.NoError(t, proto.Unmarshal(calls[len(calls)-1].Request, into))
		}
		const namespace = "/api/v1/namespaces/default"
		resp := g.Do(t, http.MethodPost, namespace+"/workflows/w/update/echo", `{"request":{"meta":{"identity":"mallory","updateId":"u"}}}`)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		update := &workflowservice.UpdateWorkflowExecutionRequest{}
		decodeLastCall("UpdateWorkflowExecution", update)
		require.Equal(t, "writer", update.GetRequest().GetMeta().GetIdentity())
		require.Equal(t, "u", update.GetRequest().GetMeta().GetUpdateId())

		resp = g.Do(t, http.MethodPost, namespace+"/batch-operations/b", `{"signalOperation":{"signal":"s","identity":"mallory"}}`)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		batch := &workflowservice.StartBatchOperationRequest{}
		decodeLastCall("StartBatchOperation", batch)
		require.Equal(t, "writer", batch.GetSignalOperation().GetIdentity())
		require.Equal(t, "s", batch.GetSignalOperation().GetSignal())
		require.Nil(t, batch.GetTerminationOperation(), "other operations are not added")
	})
}

// The namespace to register is in the body. The gateway must reject a caller that may not
// register namespaces before it reads the body.
func TestRegisterNamespaceIsDeniedBeforeItsBodyIsRead(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		for _, body := range []string{`{"namespace":"n"}`, `{"bad":1}`} {
			resp := g.Do(t, http.MethodPost, "/api/v1/namespaces", body, "Authorization", "Bearer "+servertest.ReaderKey)
			require.Equal(t, http.StatusForbidden, resp.Status, resp.Body)
		}
		require.Empty(t, g.Upstream.Calls("RegisterNamespace"))
	})
}

// A value that is nested too deep to be returned as JSON must not make the list of the
// namespace's workflows fail.
func TestTooDeeplyNestedValueIsReturnedInTheLongForm(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
		info := &workflow.WorkflowExecutionInfo{Memo: &common.Memo{Fields: map[string]*common.Payload{
			"deep":   {Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(deep)},
			"binary": {Metadata: map[string][]byte{"encoding": []byte("binary/plain")}, Data: []byte("x")},
		}}}
		g.Upstream.Handle("ListWorkflowExecutions", upstreamtest.Respond(&workflowservice.ListWorkflowExecutionsResponse{
			Executions: []*workflow.WorkflowExecutionInfo{info, {}},
		}))
		resp := g.Do(t, http.MethodGet, servertest.WorkflowsPath, "")
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.Contains(t, resp.Body, fmt.Sprintf(`"data":%q`, base64.StdEncoding.EncodeToString([]byte(deep))))
		resp = g.Do(t, http.MethodGet, servertest.WorkflowsPath, "", "Accept", "application/x-ndjson")
		require.Equal(t, 2, strings.Count(resp.Body, "\n"))
	})
}

// A list of short values is many times larger in wire form than in JSON. The gateway must
// not build a message that the server would reject anyway.
func TestRequestThatIsTooLargeInWireFormIsRejected(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		body := `{"input":[1` + strings.Repeat(",1", 1_900_000) + `]}`
		resp := g.Do(t, http.MethodPost, "/api/v1/namespaces/default/workflows/w", body)
		require.Equal(t, http.StatusRequestEntityTooLarge, resp.Status, resp.Body)
		require.Empty(t, g.Upstream.Calls("StartWorkflowExecution"))
	})
}
