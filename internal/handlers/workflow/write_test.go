package workflow_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const runQuery = "?runId=" + temporalfake.RunID

// write is an operation that changes a workflow and responds without a body.
type write struct {
	method, path, body string
	rpc                string
	response           proto.Message
	want               string // the request of the RPC in protobuf JSON, without the request id
	hasRequestID       bool
}

func writes() []write {
	const run = `{"workflowId":"w","runId":"` + temporalfake.RunID + `"}`
	const payload = `{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"MS4xMA=="}]}`
	return []write{
		{
			method: http.MethodPost, path: "/signal" + runQuery, body: `{"signal":"approve","args":[1.10]}`,
			rpc: "SignalWorkflowExecution", response: &workflowservice.SignalWorkflowExecutionResponse{}, hasRequestID: true,
			want: `{"namespace":"default","workflowExecution":` + run + `,"signalName":"approve","input":` + payload + `,"identity":"writer"}`,
		},
		{
			method: http.MethodPost, path: "/cancel" + runQuery + "&firstExecutionRunId=" + handlerstest.NewRunID, body: `{"reason":"no stock"}`,
			rpc: "RequestCancelWorkflowExecution", response: &workflowservice.RequestCancelWorkflowExecutionResponse{}, hasRequestID: true,
			want: `{"namespace":"default","workflowExecution":` + run + `,"firstExecutionRunId":"` + handlerstest.NewRunID + `","reason":"no stock","identity":"writer"}`,
		},
		{
			method: http.MethodPost, path: "/terminate" + runQuery + "&firstExecutionRunId=" + handlerstest.NewRunID, body: `{"reason":"no stock","details":[1.10]}`,
			rpc: "TerminateWorkflowExecution", response: &workflowservice.TerminateWorkflowExecutionResponse{},
			want: `{"namespace":"default","workflowExecution":` + run + `,"firstExecutionRunId":"` + handlerstest.NewRunID + `","reason":"no stock","details":` +
				payload + `,"identity":"writer"}`,
		},
		{
			method: http.MethodDelete, path: runQuery, rpc: "DeleteWorkflowExecution", response: &workflowservice.DeleteWorkflowExecutionResponse{},
			want: `{"namespace":"default","workflowExecution":` + run + `}`,
		},
		{
			method: http.MethodPost, path: "/unpause" + runQuery, body: `{"reason":"fixed"}`,
			rpc: "UnpauseWorkflowExecution", response: &workflowservice.UnpauseWorkflowExecutionResponse{}, hasRequestID: true,
			want: `{"namespace":"default","workflowId":"w","runId":"` + temporalfake.RunID + `","reason":"fixed","identity":"writer"}`,
		},
	}
}

func TestWritesSendEveryFieldOfTheRequest(t *testing.T) {
	t.Parallel()
	for _, o := range writes() {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			g.Upstream.Handle(o.rpc, upstreamtest.Respond(o.response))
			for range 2 {
				resp := g.Do(t, o.method, servertest.WorkflowsPath+"/w"+o.path, o.body, "Idempotency-Key", "k")
				require.Equal(t, []any{http.StatusNoContent, ""}, []any{resp.Status, resp.Body}, o.rpc)
			}
			calls := g.Upstream.Calls(o.rpc)
			require.Len(t, calls, 2)
			require.Equal(t, calls[0].Request, calls[1].Request, "%s: a repeated request is the same one", o.rpc)
			sent := servertest.DecodeRequest(t, calls[0])
			if o.hasRequestID {
				require.NotEmpty(t, servertest.FieldString(sent, "request_id"))
				sent.Clear(sent.Descriptor().Fields().ByName("request_id"))
			}
			text, err := protojson.Marshal(sent.Interface())
			require.NoError(t, err)
			require.JSONEq(t, o.want, string(text), o.rpc)
		})
	}
}

func TestWritesReportTheServersErrorWithTheWorkflowID(t *testing.T) {
	t.Parallel()
	for _, o := range writes() {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			g.Upstream.Handle(o.rpc, upstreamtest.Fail(codes.NotFound, "workflow not found for ID: w"))
			resp := g.Do(t, o.method, servertest.WorkflowsPath+"/w"+o.path, o.body)
			require.Equal(t, []any{http.StatusNotFound, "workflow-not-found", "w"}, []any{resp.Status, resp.Field(t, "code"), resp.Field(t, "workflowId")}, o.rpc)
		})
	}
}

func TestInvalidWritesAreNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		synctest.Wait()
		before := g.UpstreamCalls()
		for _, o := range writes() {
			resp := g.Do(t, o.method, servertest.WorkflowsPath+"/w"+o.path, o.body, "Idempotency-Key", "")
			require.Equal(t, []string{"Idempotency-Key"}, handlerstest.Pointers(t, resp), o.rpc)
		}
		for request, pointers := range map[[2]string][]string{
			{"/signal", `{"signal":"","args":[1],"argPayloads":[{"json":1}]}`}: {"/signal", "/argPayloads"},
			{"/terminate", `{"details":[1],"detailPayloads":[{"json":1}]}`}:    {"/detailPayloads"},
			{"/query", `{"query":"","rejectCondition":"SOMETIMES"}`}:           {"/query", "/rejectCondition"},
			{"/reset", `{"eventId":0,"resetType":"X","reapplyExclude":["X"]}`}: {"", "/eventId", "/resetType", "/reapplyExclude/0"},
		} {
			resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w"+request[0], request[1])
			require.Equal(t, http.StatusBadRequest, resp.Status, request)
			require.Equal(t, pointers, handlerstest.Pointers(t, resp), request)
		}
		require.Equal(t, before, g.UpstreamCalls())
	})
}
