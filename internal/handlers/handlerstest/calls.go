package handlerstest

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// NewRunID is a run id that differs from those of package temporalfake.
const NewRunID = "0198f3d0-1a44-7b0e-8c11-6a0d5e9f2b77"

// OnlyRequest requires that a method was called once, and returns the request of that call.
func OnlyRequest[Q proto.Message](t *testing.T, g *servertest.Gateway, method string) Q {
	t.Helper()
	calls := g.Upstream.Calls(method)
	require.Len(t, calls, 1)
	var none Q
	request := none.ProtoReflect().New().Interface()
	require.NoError(t, proto.Unmarshal(calls[0].Request, request))
	return request.(Q) //nolint:forcetypeassert // New returns a message of the same type
}

// RequireMessage requires that a request equals want, which is protobuf JSON.
func RequireMessage(t *testing.T, want string, request proto.Message) {
	t.Helper()
	text, err := protojson.Marshal(request)
	require.NoError(t, err)
	require.JSONEq(t, want, string(text))
}

// HandleManagementRPCs makes the upstream respond to the RPCs that reset, pause, unpause and
// delete workflows, change their options, and start, stop, count and describe batch jobs.
func HandleManagementRPCs(g *servertest.Gateway) {
	for method, response := range map[string]proto.Message{
		"ResetWorkflowExecution":         &workflowservice.ResetWorkflowExecutionResponse{RunId: NewRunID},
		"PauseWorkflowExecution":         &workflowservice.PauseWorkflowExecutionResponse{},
		"UnpauseWorkflowExecution":       &workflowservice.UnpauseWorkflowExecutionResponse{},
		"DeleteWorkflowExecution":        &workflowservice.DeleteWorkflowExecutionResponse{},
		"UpdateWorkflowExecutionOptions": &workflowservice.UpdateWorkflowExecutionOptionsResponse{},
		"StartBatchOperation":            &workflowservice.StartBatchOperationResponse{},
		"StopBatchOperation":             &workflowservice.StopBatchOperationResponse{},
		"CountWorkflowExecutions":        &workflowservice.CountWorkflowExecutionsResponse{Count: 12},
		"DescribeBatchOperation":         &workflowservice.DescribeBatchOperationResponse{JobId: "j", Reason: "r"},
	} {
		g.Upstream.Handle(method, upstreamtest.Respond(response))
	}
}

// Pointers returns the pointers of the validation errors in a problem, in order.
func Pointers(t *testing.T, response servertest.Response) (pointers []string) {
	t.Helper()
	var problem struct {
		Errors []struct {
			Pointer string `json:"pointer"`
			Detail  string `json:"detail"`
		} `json:"errors"`
	}
	require.NoError(t, json.Unmarshal([]byte(response.Body), &problem))
	for _, e := range problem.Errors {
		require.NotEmpty(t, e.Detail)
		pointers = append(pointers, e.Pointer)
	}
	return pointers
}
