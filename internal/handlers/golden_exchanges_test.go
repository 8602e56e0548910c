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

// respond returns a function that makes the upstream respond to an RPC with a message.
func respond(method string, message proto.Message) func(*upstreamtest.Server) {
	return func(up *upstreamtest.Server) { up.Handle(method, upstreamtest.Respond(message)) }
}

// failWith returns a function that makes the upstream respond to an RPC with an error.
func failWith(method string, err error) func(*upstreamtest.Server) {
	return func(up *upstreamtest.Server) {
		up.Handle(method, func(context.Context, []byte) ([]byte, error) { return nil, serviceerror.ToStatus(err).Err() })
	}
}

// withWorkflow returns a function that registers a workflow with the upstream and then calls
// change, unless it is nil.
func withWorkflow(change func(*temporalfake.Workflow)) func(*upstreamtest.Server) {
	return func(up *upstreamtest.Server) {
		f := temporalfake.NewWorkflow(up)
		if change != nil {
			change(f)
		}
	}
}

// withUpdate returns a function that registers an update that was already sent, and then
// calls change.
func withUpdate(change func(*temporalfake.Update)) func(*upstreamtest.Server) {
	return func(up *upstreamtest.Server) {
		f := temporalfake.NewUpdate(up)
		f.MarkSent()
		change(f)
	}
}

// withChain returns a function that registers a run chain, and then calls change.
func withChain(change func(*temporalfake.RunChain)) func(*upstreamtest.Server) {
	return func(up *upstreamtest.Server) { change(temporalfake.NewRunChain(up)) }
}

func get(path string, upstream func(*upstreamtest.Server)) exchange {
	return exchange{method: http.MethodGet, path: path, upstream: upstream}
}

func post(path, body string, upstream func(*upstreamtest.Server)) exchange {
	return exchange{method: http.MethodPost, path: path, body: body, upstream: upstream}
}

// goldenResponses returns requests that succeed. A key is an operation id, with a variant
// after a dot if the operation has several.
func goldenResponses() map[string]exchange {
	queried := respond("QueryWorkflow", &workflowservice.QueryWorkflowResponse{QueryResult: jsonPayloads(`{"items":3,"total":1.10}`)})
	failedUpdate := func(rejected bool) func(*upstreamtest.Server) {
		return withUpdate(func(f *temporalfake.Update) { f.Fail("There is no such item.", rejected) })
	}
	return map[string]exchange{
		"startWorkflow": post(servertest.WorkflowsPath, goldenStart, withWorkflow(nil)),
		"startWorkflow.wait": {
			method: http.MethodPost, path: servertest.WorkflowsPath + "?wait=10s", body: goldenStart, upstream: withWorkflow((*temporalfake.Workflow).Complete),
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
		"getWorkflowResult":            get(servertest.ResultPath, withWorkflow((*temporalfake.Workflow).Complete)),
		"getWorkflowResult.running":    get(servertest.ResultPath+"?wait=5s", withWorkflow(nil)),
		"getWorkflowResult.terminated": get(servertest.ResultPath, withChain((*temporalfake.RunChain).Terminate)),
		"signalWorkflow":               post(servertest.OrderPath+"/signal", `{"signal":"approve","args":["now"]}`, respond("SignalWorkflowExecution", &workflowservice.SignalWorkflowExecutionResponse{})),
		"queryWorkflowByName":          get(servertest.OrderPath+"/query?query=cart", queried),
		"queryWorkflow":                post(servertest.OrderPath+"/query", `{"query":"cart","args":[true]}`, queried),
		"updateWorkflow":               post(servertest.UpdatesPath, handlerstest.AddItemBody, withUpdate(func(f *temporalfake.Update) { f.Complete(`{"items":3}`) })),
		"updateWorkflow.accepted":      post(servertest.UpdatesPath, strings.Replace(handlerstest.AddItemBody, "{", `{"waitForStage":"ACCEPTED",`, 1), withUpdate((*temporalfake.Update).Accept)),
		"updateWorkflow.failed":        post(servertest.UpdatesPath, handlerstest.AddItemBody, failedUpdate(false)),
		"updateWorkflow.rejected":      post(servertest.UpdatesPath, handlerstest.AddItemBody, failedUpdate(true)),
		"getWorkflowUpdate":            get(servertest.UpdatesPath+"/u-1", withUpdate(func(f *temporalfake.Update) { f.Complete(`{"items":3}`) })),
		"getWorkflowUpdate.accepted":   get(servertest.UpdatesPath+"/u-1?wait=5s", withUpdate((*temporalfake.Update).Accept)),
		"cancelWorkflow":               post(servertest.OrderPath+"/cancel", `{"reason":"out of stock"}`, respond("RequestCancelWorkflowExecution", &workflowservice.RequestCancelWorkflowExecutionResponse{})),
		"terminateWorkflow":            post(servertest.OrderPath+"/terminate", `{"reason":"out of stock"}`, respond("TerminateWorkflowExecution", &workflowservice.TerminateWorkflowExecutionResponse{})),
		"resetWorkflow":                post(servertest.OrderPath+"/reset", `{"eventId":4,"reason":"a bug"}`, respond("ResetWorkflowExecution", &workflowservice.ResetWorkflowExecutionResponse{RunId: handlerstest.NewRunID})),
		"pauseWorkflow":                post(servertest.OrderPath+"/pause", `{"reason":"the bank is down"}`, respond("PauseWorkflowExecution", &workflowservice.PauseWorkflowExecutionResponse{})),
		"unpauseWorkflow":              post(servertest.OrderPath+"/unpause", "", respond("UnpauseWorkflowExecution", &workflowservice.UnpauseWorkflowExecutionResponse{})),
		"createToken":                  post(servertest.OrderPath+"/tokens", servertest.TokenBody, nil),
		"startBatch":                   post(servertest.BatchesPath, `{"query":"CustomerId='c-1'","operation":{"cancel":{}},"jobId":"job-1","reason":"out of stock"}`, respondToBatches),
		"startBatch.dryRun":            post(servertest.BatchesPath, `{"query":"CustomerId='c-1'","operation":{"cancel":{}},"dryRun":true}`, respondToBatches),
		"listBatches":                  get(servertest.BatchesPath, respondToBatches),
		"describeBatch":                get(servertest.BatchesPath+"/job-1", respondToBatches),
		"stopBatch":                    post(servertest.BatchesPath+"/job-1/stop", `{"reason":"enough"}`, respondToBatches),
		"listDeployments":              get(deploymentsPath, respond("ListWorkerDeployments", goldenDeployments())),
		"describeDeployment":           get(deploymentsPath+"/orders", respond("DescribeWorkerDeployment", goldenDeployment())),
		"deleteDeployment":             {method: http.MethodDelete, path: deploymentsPath + "/orders", upstream: respond("DeleteWorkerDeployment", &workflowservice.DeleteWorkerDeploymentResponse{})},
		"setDeploymentCurrentVersion": {
			method: http.MethodPut, path: deploymentsPath + "/orders/current-version", body: `{"buildId":"2026-11-27"}`, upstream: respond("SetWorkerDeploymentCurrentVersion", &workflowservice.SetWorkerDeploymentCurrentVersionResponse{ConflictToken: []byte("next")}),
		},
		"setDeploymentRampingVersion": {
			method: http.MethodPut, path: deploymentsPath + "/orders/ramping-version", body: `{"buildId":"2026-11-27","percentage":10}`, upstream: respond("SetWorkerDeploymentRampingVersion", &workflowservice.SetWorkerDeploymentRampingVersionResponse{ConflictToken: []byte("next")}),
		},
		"setDeploymentManager": {
			method: http.MethodPut, path: deploymentsPath + "/orders/manager", body: `{"managerIdentity":"pipeline"}`, upstream: respond("SetWorkerDeploymentManager", &workflowservice.SetWorkerDeploymentManagerResponse{ConflictToken: []byte("next")}),
		},
		"describeDeploymentVersion": get(deploymentsPath+"/orders/versions/2026-11-20?reportTaskQueueStats=true", respond("DescribeWorkerDeploymentVersion", goldenVersion())),
		"deleteDeploymentVersion":   {method: http.MethodDelete, path: deploymentsPath + "/orders/versions/2026-11-20", upstream: respond("DeleteWorkerDeploymentVersion", &workflowservice.DeleteWorkerDeploymentVersionResponse{})},
		"updateDeploymentVersionMetadata": {
			method: http.MethodPatch, path: deploymentsPath + "/orders/versions/2026-11-20/metadata", body: `{"upsertEntries":{"commit":"5f0e7c3a"}}`,
			upstream: respond("UpdateWorkerDeploymentVersionMetadata", &workflowservice.UpdateWorkerDeploymentVersionMetadataResponse{Metadata: goldenVersion().GetWorkerDeploymentVersionInfo().GetMetadata()}),
		},
		"getClient":      get("/v1/namespaces/default/client", nil),
		"getSystemInfo":  get("/v1/system-info", respond("GetSystemInfo", goldenSystemInfo())),
		"getOpenApiYaml": get("/v1/openapi.yaml", nil),
		"getOpenApiJson": get("/v1/openapi.json", nil),

		"describeTaskQueue":     get("/v1/namespaces/default/task-queues/orders", respond("DescribeTaskQueue", goldenTaskQueue())),
		"pollActivityTask":      post("/v1/namespaces/default/task-queues/orders/activities:poll?wait=30s", `{"identitySuffix":"worker-1"}`, respond("PollActivityTaskQueue", goldenTask())),
		"pollActivityTask.none": post("/v1/namespaces/default/task-queues/orders/activities:poll", "", respond("PollActivityTaskQueue", &workflowservice.PollActivityTaskQueueResponse{})),
		"createSchedule":        post(servertest.SchedulesPath, goldenCreateSchedule, respondToSchedules),
		"listSchedules":         get(servertest.SchedulesPath, respondToSchedules),
		"countSchedules":        get(servertest.SchedulesPath+":count", respondToSchedules),
		"describeSchedule":      get(servertest.SchedulesPath+"/nightly", respondToSchedules),
		"replaceSchedule":       {method: http.MethodPut, path: servertest.SchedulesPath + "/nightly", body: goldenReplaceSchedule, upstream: respondToSchedules},
		"patchSchedule": {
			method: http.MethodPatch, path: servertest.SchedulesPath + "/nightly", body: `{"schedule":{"state":{"note":"new"}}}`, upstream: respondToSchedules,
			headers: []string{"Content-Type", "application/merge-patch+json"},
		},
		"deleteSchedule":            {method: http.MethodDelete, path: servertest.SchedulesPath + "/nightly", upstream: respondToSchedules},
		"pauseSchedule":             post(servertest.SchedulesPath+"/nightly/pause", `{"note":"lunch"}`, respondToSchedules),
		"unpauseSchedule":           post(servertest.SchedulesPath+"/nightly/unpause", "", respondToSchedules),
		"triggerSchedule":           post(servertest.SchedulesPath+"/nightly/trigger", `{"overlap":"ALLOW_ALL"}`, respondToSchedules),
		"backfillSchedule":          post(servertest.SchedulesPath+"/nightly/backfill", `{"backfill":[{"startAt":"2026-01-01T00:00:00Z","endAt":"2026-01-02T00:00:00Z"}]}`, respondToSchedules),
		"listScheduleMatchingTimes": get(servertest.SchedulesPath+"/nightly/matching-times?startTime=2026-01-01T00:00:00Z&endTime=2026-01-02T00:00:00Z", respondToSchedules),
		"listNamespaces":            asRoot(get("/v1/namespaces", respond("ListNamespaces", &workflowservice.ListNamespacesResponse{Namespaces: []*workflowservice.DescribeNamespaceResponse{goldenNamespace()}, NextPageToken: []byte("next")}))),
		"registerNamespace":         asRoot(post("/v1/namespaces", `{"name":"default","retention":"72h","ownerEmail":"team-a@example.com"}`, respond("RegisterNamespace", &workflowservice.RegisterNamespaceResponse{}))),
		"describeNamespace":         get("/v1/namespaces/default", respond("DescribeNamespace", goldenNamespace())),
		"updateNamespace": asRoot(exchange{method: http.MethodPatch, path: "/v1/namespaces/default", body: `{"retention":"72h"}`, upstream: respond("UpdateNamespace", &workflowservice.UpdateNamespaceResponse{
			NamespaceInfo: goldenNamespace().GetNamespaceInfo(), Config: goldenNamespace().GetConfig(), ReplicationConfig: goldenNamespace().GetReplicationConfig(),
		})}),
		"listSearchAttributes":  get("/v1/namespaces/default/search-attributes", respondToSearchAttributes),
		"addSearchAttributes":   asRoot(post("/v1/namespaces/default/search-attributes", `{"attributes":{"Items":"Int"}}`, respondToSearchAttributes)),
		"removeSearchAttribute": asRoot(exchange{method: http.MethodDelete, path: "/v1/namespaces/default/search-attributes/CustomerId", upstream: respondToSearchAttributes}),

		"getBuildIdCompatibility":    get("/v1/namespaces/default/task-queues/orders/build-id-compatibility", respond("GetWorkerBuildIdCompatibility", goldenVersionSets())),
		"updateBuildIdCompatibility": post("/v1/namespaces/default/task-queues/orders/build-id-compatibility", `{"addNewDefault":{"buildId":"2.0"}}`, respond("UpdateWorkerBuildIdCompatibility", &workflowservice.UpdateWorkerBuildIdCompatibilityResponse{})),
		"getTaskReachability":        post("/v1/namespaces/default/task-reachability", `{"buildIds":["1.0"]}`, respond("GetWorkerTaskReachability", goldenReachability())),
	}
}

// goldenProblems returns requests that fail, one for each operation id.
func goldenProblems() map[string]exchange {
	absent := serviceerror.NewNotFound("workflow not found for ID: order")
	closed := serviceerror.NewNotFound("workflow execution already completed")
	invalidQuery := serviceerror.NewInvalidArgument("invalid query: column name 'Customer' is not defined")
	return map[string]exchange{
		"startWorkflow": {method: http.MethodPost, path: servertest.WorkflowsPath, body: goldenStart, upstream: failWith("StartWorkflowExecution",
			serviceerror.NewWorkflowExecutionAlreadyStarted("Workflow execution is already running.", "request", temporalfake.RunID))},
		"listWorkflows":  get(servertest.WorkflowsPath+"?query=Customer%3D1", failWith("ListWorkflowExecutions", invalidQuery)),
		"countWorkflows": get(servertest.WorkflowsPath+":count?query=Customer%3D1", failWith("CountWorkflowExecutions", invalidQuery)),
		"updateWithStart": {
			method: http.MethodPost, path: handlerstest.UpdateWithStartPath + "?wait=5s", body: handlerstest.UpdateWithStartBody(""), upstream: func(up *upstreamtest.Server) { temporalfake.NewUpdate(up) },
		},
		"describeWorkflow":      get(servertest.OrderPath, failWith("DescribeWorkflowExecution", absent)),
		"updateWorkflowOptions": {method: http.MethodPatch, path: servertest.OrderPath, body: `{}`},
		"deleteWorkflow":        {method: http.MethodDelete, path: servertest.OrderPath, upstream: failWith("DeleteWorkflowExecution", absent)},
		"getWorkflowMetadata":   get(servertest.OrderPath+"/metadata", failWith("QueryWorkflow", serviceerror.NewWorkflowNotReady("Unable to query workflow due to Workflow Task in failed state."))),
		"getWorkflowHistory":    get(servertest.HistoryPath+"?pageToken=forged", nil),
		"getWorkflowResult":     get(servertest.ResultPath+"?firstExecutionRunId="+handlerstest.NewRunID, withWorkflow(nil)),
		"signalWorkflow":        post(servertest.OrderPath+"/signal", `{"signal":"approve"}`, failWith("SignalWorkflowExecution", closed)),
		"queryWorkflowByName":   get(servertest.OrderPath+"/query?query=cart", failWith("QueryWorkflow", serviceerror.NewQueryFailed("unknown queryType cart. KnownQueryTypes=[items]"))),
		"queryWorkflow": {method: http.MethodPost, path: servertest.OrderPath + "/query", body: `{"query":"cart","rejectCondition":"NOT_OPEN"}`, upstream: respond("QueryWorkflow", &workflowservice.QueryWorkflowResponse{
			QueryRejected: &query.QueryRejected{Status: goldenClosedStatus},
		})},
		"updateWorkflow":    post(servertest.UpdatesPath+"?wait=5s", handlerstest.AddItemBody, withUpdate(func(*temporalfake.Update) {})),
		"getWorkflowUpdate": get(servertest.UpdatesPath+"/u-1", func(up *upstreamtest.Server) { temporalfake.NewUpdate(up) }),
		"cancelWorkflow":    post(servertest.OrderPath+"/cancel", "", failWith("RequestCancelWorkflowExecution", closed)),
		"terminateWorkflow": post(servertest.OrderPath+"/terminate", "", failWith("TerminateWorkflowExecution", closed)),
		"resetWorkflow":     post(servertest.OrderPath+"/reset", `{"eventId":4}`, failWith("ResetWorkflowExecution", absent)),
		"pauseWorkflow":     {method: http.MethodPost, path: servertest.OrderPath + "/pause", headers: servertest.Bearer(servertest.ReaderKey)},
		"unpauseWorkflow":   post(servertest.OrderPath+"/unpause", "", failWith("UnpauseWorkflowExecution", absent)),
		"createToken":       post(servertest.OrderPath+"/tokens", `{"signals":[""],"ttl":"soon"}`, nil),
		"startBatch": {method: http.MethodPost, path: servertest.BatchesPath, body: `{"query":"CustomerId='c-1'","operation":{"cancel":{}},"jobId":"job-1"}`, upstream: func(up *upstreamtest.Server) {
			respondToBatches(up)
			up.Handle("StartBatchOperation", upstreamtest.Fail(codes.AlreadyExists, "already started", &errordetails.WorkflowExecutionAlreadyStartedFailure{RunId: handlerstest.NewRunID}))
		}},
		"listBatches":        get(servertest.BatchesPath+"?pageSize=many", nil),
		"describeBatch":      get(servertest.BatchesPath+"/job-1", failWith("DescribeBatchOperation", absent)),
		"stopBatch":          post(servertest.BatchesPath+"/job-1/stop", "", func(up *upstreamtest.Server) { respondToBatches(up); failWith("StopBatchOperation", closed)(up) }),
		"listDeployments":    get(deploymentsPath, failWith("ListWorkerDeployments", serviceerror.NewUnimplemented("unknown method ListWorkerDeployments"))),
		"describeDeployment": get(deploymentsPath+"/orders", failWith("DescribeWorkerDeployment", serviceerror.NewNotFound("no Worker Deployment found with name 'orders'; does your Worker Deployment have pollers?"))),
		"deleteDeployment":   {method: http.MethodDelete, path: deploymentsPath + "/orders", upstream: failWith("DeleteWorkerDeployment", serviceerror.NewFailedPrecondition("deployment has versions, can't be deleted"))},
		"setDeploymentCurrentVersion": {
			method: http.MethodPut, path: deploymentsPath + "/orders/current-version", body: `{"buildId":"2026-11-27"}`, headers: []string{"If-Match", `"b2xk"`}, upstream: func(up *upstreamtest.Server) {
				respond("DescribeWorkerDeployment", goldenDeployment())(up)
				failWith("SetWorkerDeploymentCurrentVersion", serviceerror.NewFailedPrecondition("conflict token mismatch"))(up)
			},
		},
		"setDeploymentRampingVersion":     {method: http.MethodPut, path: deploymentsPath + "/orders/ramping-version", body: `{"buildId":"","percentage":101}`},
		"setDeploymentManager":            {method: http.MethodPut, path: deploymentsPath + "/orders/manager", body: `{}`},
		"describeDeploymentVersion":       get(deploymentsPath+"/or.ders/versions/__1", nil),
		"deleteDeploymentVersion":         {method: http.MethodDelete, path: deploymentsPath + "/orders/versions/2026-11-20", upstream: failWith("DeleteWorkerDeploymentVersion", serviceerror.NewFailedPrecondition("version 'orders:2026-11-20' cannot be deleted since it has active pollers"))},
		"updateDeploymentVersionMetadata": {method: http.MethodPatch, path: deploymentsPath + "/orders/versions/2026-11-20/metadata", body: `{"upsertEntries":{"a":1},"removeEntries":["a"]}`, headers: servertest.Bearer(servertest.ReaderKey)},
		"listNamespaces":                  get("/v1/namespaces", nil),
		"registerNamespace":               asRoot(post("/v1/namespaces", `{"name":"default","retention":"72h"}`, failWith("RegisterNamespace", serviceerror.NewNamespaceAlreadyExists("Namespace \"default\" already exists")))),
		"describeNamespace":               get("/v1/namespaces/default", failWith("DescribeNamespace", serviceerror.NewNamespaceNotFound("default"))),
		"updateNamespace":                 asRoot(exchange{method: http.MethodPatch, path: "/v1/namespaces/default", body: `{"description":"","retention":"soon"}`}),
		"listSearchAttributes":            get("/v1/namespaces/other/search-attributes", nil),
		"addSearchAttributes":             asRoot(post("/v1/namespaces/default/search-attributes", `{"attributes":{"CustomerId":"Int"}}`, respondToSearchAttributes)),
		"removeSearchAttribute":           asRoot(exchange{method: http.MethodDelete, path: "/v1/namespaces/default/search-attributes/Customer", upstream: respondToSearchAttributes}),
		"getClient":                       get("/v1/namespaces/other/client", nil),
		"getSystemInfo":                   {method: http.MethodGet, path: "/v1/system-info", headers: servertest.Bearer("fg_writer_unknown")},
		"getOpenApiYaml":                  post("/v1/openapi.yaml", "", nil),
		"getOpenApiJson":                  post("/v1/openapi.json", "", nil),

		"describeTaskQueue": get("/v1/namespaces/default/task-queues/orders?type=QUERY", nil),
		"pollActivityTask":  post("/v1/namespaces/default/task-queues/orders/activities:poll", `{"deploymentName":"payments"}`, nil),
		"createSchedule":    post(servertest.SchedulesPath, goldenCreateSchedule, failWith("CreateSchedule", serviceerror.NewWorkflowExecutionAlreadyStarted(`schedule "nightly" is already registered`, "", ""))),
		"listSchedules":     get(servertest.SchedulesPath+"?query=Customer%3D1", failWith("ListSchedules", invalidQuery)),
		"countSchedules":    get(servertest.SchedulesPath+":count?query=Customer%3D1", failWith("CountSchedules", invalidQuery)),
		"describeSchedule":  get(servertest.SchedulesPath+"/nightly", failWith("DescribeSchedule", serviceerror.NewNotFound("workflow not found for ID: temporal-sys-scheduler:nightly"))),
		"replaceSchedule": {
			method: http.MethodPut, path: servertest.SchedulesPath + "/nightly", body: goldenReplaceSchedule, upstream: respondToSchedules, headers: []string{"If-Match", `"old"`},
		},
		"patchSchedule":             {method: http.MethodPatch, path: servertest.SchedulesPath + "/nightly", body: `{"schedule":{"spec":{"cronExpressions":["at noon"]}}}`, upstream: respondToSchedules},
		"deleteSchedule":            {method: http.MethodDelete, path: servertest.SchedulesPath + "/nightly", upstream: failWith("DeleteSchedule", closed)},
		"pauseSchedule":             post(servertest.SchedulesPath+"/nightly/pause", "", failWith("PatchSchedule", closed)),
		"unpauseSchedule":           {method: http.MethodPost, path: servertest.SchedulesPath + "/nightly/unpause", headers: servertest.Bearer(servertest.ReaderKey)},
		"triggerSchedule":           post(servertest.SchedulesPath+"/nightly/trigger", `{"overlap":"QUEUE"}`, nil),
		"backfillSchedule":          post(servertest.SchedulesPath+"/nightly/backfill", `{"backfill":[]}`, nil),
		"listScheduleMatchingTimes": get(servertest.SchedulesPath+"/nightly/matching-times?startTime=tomorrow&endTime=2026-01-02T00:00:00Z", nil),

		"getBuildIdCompatibility":    get("/v1/namespaces/default/task-queues/orders/build-id-compatibility", failWith("GetWorkerBuildIdCompatibility", serviceerror.NewUnimplemented("unknown method"))),
		"updateBuildIdCompatibility": post("/v1/namespaces/default/task-queues/orders/build-id-compatibility", `{"promoteSetByBuildId":{"buildId":"3.0"}}`, failWith("UpdateWorkerBuildIdCompatibility", serviceerror.NewNotFound("targeted version 3.0 not found"))),
		"getTaskReachability":        post("/v1/namespaces/default/task-reachability", `{"buildIds":[""]}`, nil),
	}
}
