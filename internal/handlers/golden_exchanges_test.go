package handlers_test

import (
	"context"
	"net/http"
	"strings"

	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/query/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const goldenStart = `{"workflowType":"Order","workflowId":"order","taskQueue":"orders","args":[{"sku":"A-17","price":1.10}]}`

// respond makes a method respond with a message.
func respond(method string, message proto.Message) func(*upstreamtest.Server) {
	return func(up *upstreamtest.Server) { up.Handle(method, upstreamtest.Respond(message)) }
}

// failing makes a method fail with an error of Temporal.
func failing(method string, err error) func(*upstreamtest.Server) {
	return func(up *upstreamtest.Server) {
		up.Handle(method, func(context.Context, []byte) ([]byte, error) { return nil, serviceerror.ToStatus(err).Err() })
	}
}

func aWorkflow(change func(*temporalfake.Workflow)) func(*upstreamtest.Server) {
	return func(up *upstreamtest.Server) {
		f := temporalfake.NewWorkflow(up)
		if change != nil {
			change(f)
		}
	}
}

func anUpdate(change func(*temporalfake.Update)) func(*upstreamtest.Server) {
	return func(up *upstreamtest.Server) {
		f := temporalfake.NewUpdate(up)
		f.MarkSent()
		change(f)
	}
}

func aChain(change func(*temporalfake.Chain)) func(*upstreamtest.Server) {
	return func(up *upstreamtest.Server) { change(temporalfake.NewChain(up)) }
}

func get(path string, upstream func(*upstreamtest.Server)) exchange {
	return exchange{method: http.MethodGet, path: path, upstream: upstream}
}

func post(path, body string, upstream func(*upstreamtest.Server)) exchange {
	return exchange{method: http.MethodPost, path: path, body: body, upstream: upstream}
}

// goldenResponses are requests that succeed, by operation and variant.
func goldenResponses() map[string]exchange {
	queried := respond("QueryWorkflow", &workflowservice.QueryWorkflowResponse{QueryResult: jsonPayloads(`{"items":3,"total":1.10}`)})
	failed := func(rejected bool) func(*upstreamtest.Server) {
		return anUpdate(func(f *temporalfake.Update) { f.Fail("There is no such item.", rejected) })
	}
	return map[string]exchange{
		"startWorkflow": post(servertest.WorkflowsPath, goldenStart, aWorkflow(nil)),
		"startWorkflow.wait": {
			method: http.MethodPost, path: servertest.WorkflowsPath + "?wait=10s", body: goldenStart, upstream: aWorkflow((*temporalfake.Workflow).Close),
		},
		"listWorkflows": get(servertest.WorkflowsPath+"?query=ExecutionStatus%3D'Running'", respond("ListWorkflowExecutions", goldenList())),
		"countWorkflows": {
			method: http.MethodGet, path: servertest.WorkflowsPath + ":count?query=GROUP+BY+ExecutionStatus", upstream: respond("CountWorkflowExecutions", goldenCount()),
		},
		"updateWithStart": {
			method: http.MethodPost, path: handlerstest.UpdateWithStartPath, body: handlerstest.UpdateWithStartBody(""), upstream: func(up *upstreamtest.Server) { temporalfake.NewUpdate(up).Complete(`{"items":3}`) },
		},
		"describeWorkflow":             get(servertest.OrderPath, respond("DescribeWorkflowExecution", goldenDescription())),
		"updateWorkflowOptions":        {method: http.MethodPatch, path: servertest.OrderPath, body: `{"priority":{"priorityKey":2}}`, upstream: respond("UpdateWorkflowExecutionOptions", goldenOptions())},
		"deleteWorkflow":               {method: http.MethodDelete, path: servertest.OrderPath, upstream: respond("DeleteWorkflowExecution", &workflowservice.DeleteWorkflowExecutionResponse{})},
		"getWorkflowMetadata":          get(servertest.OrderPath+"/metadata", respond("QueryWorkflow", goldenMetadata())),
		"getWorkflowHistory":           get(servertest.HistoryPath+"?pageSize=2", respond("GetWorkflowExecutionHistory", goldenHistory())),
		"getWorkflowResult":            get(servertest.ResultPath, aWorkflow((*temporalfake.Workflow).Close)),
		"getWorkflowResult.running":    get(servertest.ResultPath+"?wait=5s", aWorkflow(nil)),
		"getWorkflowResult.terminated": get(servertest.ResultPath, aChain((*temporalfake.Chain).Terminate)),
		"signalWorkflow":               post(servertest.OrderPath+"/signal", `{"signal":"approve","args":["now"]}`, respond("SignalWorkflowExecution", &workflowservice.SignalWorkflowExecutionResponse{})),
		"queryWorkflowByName":          get(servertest.OrderPath+"/query?query=cart", queried),
		"queryWorkflow":                post(servertest.OrderPath+"/query", `{"query":"cart","args":[true]}`, queried),
		"updateWorkflow":               post(servertest.UpdatesPath, handlerstest.AddItemBody, anUpdate(func(f *temporalfake.Update) { f.Complete(`{"items":3}`) })),
		"updateWorkflow.accepted":      post(servertest.UpdatesPath, strings.Replace(handlerstest.AddItemBody, "{", `{"waitForStage":"ACCEPTED",`, 1), anUpdate((*temporalfake.Update).Accept)),
		"updateWorkflow.failed":        post(servertest.UpdatesPath, handlerstest.AddItemBody, failed(false)),
		"updateWorkflow.rejected":      post(servertest.UpdatesPath, handlerstest.AddItemBody, failed(true)),
		"getWorkflowUpdate":            get(servertest.UpdatesPath+"/u-1", anUpdate(func(f *temporalfake.Update) { f.Complete(`{"items":3}`) })),
		"getWorkflowUpdate.accepted":   get(servertest.UpdatesPath+"/u-1?wait=5s", anUpdate((*temporalfake.Update).Accept)),
		"cancelWorkflow":               post(servertest.OrderPath+"/cancel", `{"reason":"out of stock"}`, respond("RequestCancelWorkflowExecution", &workflowservice.RequestCancelWorkflowExecutionResponse{})),
		"terminateWorkflow":            post(servertest.OrderPath+"/terminate", `{"reason":"out of stock"}`, respond("TerminateWorkflowExecution", &workflowservice.TerminateWorkflowExecutionResponse{})),
		"resetWorkflow":                post(servertest.OrderPath+"/reset", `{"eventId":4,"reason":"a bug"}`, respond("ResetWorkflowExecution", &workflowservice.ResetWorkflowExecutionResponse{RunId: handlerstest.NewRunID})),
		"pauseWorkflow":                post(servertest.OrderPath+"/pause", `{"reason":"the bank is down"}`, respond("PauseWorkflowExecution", &workflowservice.PauseWorkflowExecutionResponse{})),
		"unpauseWorkflow":              post(servertest.OrderPath+"/unpause", "", respond("UnpauseWorkflowExecution", &workflowservice.UnpauseWorkflowExecutionResponse{})),
		"createToken":                  post(servertest.OrderPath+"/tokens", servertest.TokenBody, nil),
		"startBatch":                   post(servertest.BatchesPath, `{"query":"CustomerId='c-1'","operation":{"cancel":{}},"jobId":"job-1","reason":"out of stock"}`, goldenBatchUpstream),
		"startBatch.dryRun":            post(servertest.BatchesPath, `{"query":"CustomerId='c-1'","operation":{"cancel":{}},"dryRun":true}`, goldenBatchUpstream),
		"listBatches":                  get(servertest.BatchesPath, goldenBatchUpstream),
		"describeBatch":                get(servertest.BatchesPath+"/job-1", goldenBatchUpstream),
		"stopBatch":                    post(servertest.BatchesPath+"/job-1/stop", `{"reason":"enough"}`, goldenBatchUpstream),
		"getClient":                    get("/v1/namespaces/default/client", nil),
		"getSystemInfo":                get("/v1/system-info", respond("GetSystemInfo", goldenSystemInfo())),
		"getOpenAPIYAML":               get("/v1/openapi.yaml", nil),
		"getOpenAPIJSON":               get("/v1/openapi.json", nil),
	}
}

// goldenProblems are requests that fail, one for each operation.
func goldenProblems() map[string]exchange {
	absent := serviceerror.NewNotFound("workflow not found for ID: order")
	closed := serviceerror.NewNotFound("workflow execution already completed")
	invalidQuery := serviceerror.NewInvalidArgument("invalid query: column name 'Customer' is not defined")
	return map[string]exchange{
		"startWorkflow": {method: http.MethodPost, path: servertest.WorkflowsPath, body: goldenStart, upstream: failing("StartWorkflowExecution",
			serviceerror.NewWorkflowExecutionAlreadyStarted("Workflow execution is already running.", "request", temporalfake.RunID))},
		"listWorkflows":  get(servertest.WorkflowsPath+"?query=Customer%3D1", failing("ListWorkflowExecutions", invalidQuery)),
		"countWorkflows": get(servertest.WorkflowsPath+":count?query=Customer%3D1", failing("CountWorkflowExecutions", invalidQuery)),
		"updateWithStart": {
			method: http.MethodPost, path: handlerstest.UpdateWithStartPath + "?wait=5s", body: handlerstest.UpdateWithStartBody(""), upstream: func(up *upstreamtest.Server) { temporalfake.NewUpdate(up) },
		},
		"describeWorkflow":      get(servertest.OrderPath, failing("DescribeWorkflowExecution", absent)),
		"updateWorkflowOptions": {method: http.MethodPatch, path: servertest.OrderPath, body: `{}`},
		"deleteWorkflow":        {method: http.MethodDelete, path: servertest.OrderPath, upstream: failing("DeleteWorkflowExecution", absent)},
		"getWorkflowMetadata":   get(servertest.OrderPath+"/metadata", failing("QueryWorkflow", serviceerror.NewWorkflowNotReady("Unable to query workflow due to Workflow Task in failed state."))),
		"getWorkflowHistory":    get(servertest.HistoryPath+"?pageToken=forged", nil),
		"getWorkflowResult":     get(servertest.ResultPath+"?firstExecutionRunId="+handlerstest.NewRunID, aWorkflow(nil)),
		"signalWorkflow":        post(servertest.OrderPath+"/signal", `{"signal":"approve"}`, failing("SignalWorkflowExecution", closed)),
		"queryWorkflowByName":   get(servertest.OrderPath+"/query?query=cart", failing("QueryWorkflow", serviceerror.NewQueryFailed("unknown queryType cart. KnownQueryTypes=[items]"))),
		"queryWorkflow": {method: http.MethodPost, path: servertest.OrderPath + "/query", body: `{"query":"cart","rejectCondition":"NOT_OPEN"}`, upstream: respond("QueryWorkflow", &workflowservice.QueryWorkflowResponse{
			QueryRejected: &query.QueryRejected{Status: goldenClosedStatus},
		})},
		"updateWorkflow":    post(servertest.UpdatesPath+"?wait=5s", handlerstest.AddItemBody, anUpdate(func(*temporalfake.Update) {})),
		"getWorkflowUpdate": get(servertest.UpdatesPath+"/u-1", func(up *upstreamtest.Server) { temporalfake.NewUpdate(up) }),
		"cancelWorkflow":    post(servertest.OrderPath+"/cancel", "", failing("RequestCancelWorkflowExecution", closed)),
		"terminateWorkflow": post(servertest.OrderPath+"/terminate", "", failing("TerminateWorkflowExecution", closed)),
		"resetWorkflow":     post(servertest.OrderPath+"/reset", `{"eventId":4}`, failing("ResetWorkflowExecution", absent)),
		"pauseWorkflow":     {method: http.MethodPost, path: servertest.OrderPath + "/pause", headers: servertest.Bearer(servertest.ReaderKey)},
		"unpauseWorkflow":   post(servertest.OrderPath+"/unpause", "", failing("UnpauseWorkflowExecution", absent)),
		"createToken":       post(servertest.OrderPath+"/tokens", `{"signals":[""],"ttl":"soon"}`, nil),
		"startBatch": {method: http.MethodPost, path: servertest.BatchesPath, body: `{"query":"CustomerId='c-1'","operation":{"cancel":{}},"jobId":"job-1"}`, upstream: func(up *upstreamtest.Server) {
			goldenBatchUpstream(up)
			up.Handle("StartBatchOperation", upstreamtest.Fail(codes.AlreadyExists, "already started", &errordetails.WorkflowExecutionAlreadyStartedFailure{RunId: handlerstest.NewRunID}))
		}},
		"listBatches":    get(servertest.BatchesPath+"?pageSize=many", nil),
		"describeBatch":  get(servertest.BatchesPath+"/job-1", failing("DescribeBatchOperation", absent)),
		"stopBatch":      post(servertest.BatchesPath+"/job-1/stop", "", func(up *upstreamtest.Server) { goldenBatchUpstream(up); failing("StopBatchOperation", closed)(up) }),
		"getClient":      get("/v1/namespaces/other/client", nil),
		"getSystemInfo":  {method: http.MethodGet, path: "/v1/system-info", headers: servertest.Bearer("fg_writer_unknown")},
		"getOpenAPIYAML": post("/v1/openapi.yaml", "", nil),
		"getOpenAPIJSON": post("/v1/openapi.json", "", nil),
	}
}
