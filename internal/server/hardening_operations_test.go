package server_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/api"
	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// validRequest is a row of the table of operations: a valid request for an operation, without the path.
type validRequest struct {
	// rpc is the full name of the RPC that determines the access.
	rpc string
	// query begins with "?", unless it is empty.
	query, body string
	// invalid is a body with a value that is not valid. It is empty if the operation has no body, or accepts every
	// body that its schema allows.
	invalid string
	// absent is the code of the problem if the server does not have the object that the request names. It is empty if the
	// request names none.
	absent string
	// merged is set if the body is validated after it was merged with the object that it changes, which is read for that.
	merged bool
	// forbidden has the kinds of limited keys that may not send the request.
	forbidden keyKinds
}

// keyKinds is a set of kinds of limited keys.
type keyKinds uint8

const (
	otherType  keyKinds = 1 << iota // limited to other workflow types
	otherQueue                      // limited to other task queues
	reports                         // limited to the workflow type and the task queue of the requests

	// named is for operations that start the work that the request names, and unnamed for those that may start any work.
	named   = otherType | otherQueue
	unnamed = named | reports
)

// resourceOperation is an operation of the OpenAPI document, with its row.
type resourceOperation struct {
	validRequest

	id, method, pattern string
	hasBody             bool
}

// access returns the access that the operation requires.
func (o resourceOperation) access(t *testing.T) auth.Access {
	t.Helper()
	access, ok := auth.AccessOf(o.rpc)
	require.True(t, ok, o.rpc)
	return access
}

// request returns the valid request. RootKey may send it.
func (o resourceOperation) request(headers ...string) servertest.Request {
	if len(headers) == 0 {
		headers = servertest.Bearer(servertest.RootKey)
	}
	return servertest.Request{Method: o.method, Path: o.path("", "") + o.query, Body: o.body, Headers: headers}
}

// withEachMemberTwice returns the body with each member twice. Operations without a valid body have one that is incomplete.
func (o resourceOperation) withEachMemberTwice() string {
	return strings.TrimSuffix(o.body, "}") + "," + strings.TrimPrefix(o.body, "{")
}

// path returns the pattern with a value for each variable: value for the given one, and a fixed one for all others.
func (o resourceOperation) path(variable, value string) string {
	return strings.NewReplacer("{"+variable+"}", value, "{namespace}", "default", "{scheduleId}", "nightly", "{taskQueue}", "reports",
		"{name}", "orders", "{buildId}", "7", "{activityId}", "charge").Replace(o.pattern)
}

// operationsOfResources returns the operations on all resources but workflows and batches, which have cases of their own.
// It requires a row for each, so that a new operation needs one.
func operationsOfResources(t *testing.T) []resourceOperation {
	t.Helper()
	var document struct {
		Paths map[string]map[string]jsontext.Value `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(api.OpenAPIJSON(), &document))
	rows := slices.Collect(maps.Keys(validRequests()))
	var found []resourceOperation
	for path, item := range document.Paths {
		delete(item, "parameters")
		for method, text := range item {
			var o struct {
				OperationID string         `json:"operationId"`
				Tags        []string       `json:"tags"`
				RequestBody jsontext.Value `json:"requestBody"`
			}
			require.NoError(t, json.Unmarshal(text, &o))
			if slices.Contains([]string{"Workflows", "Workflow", "Batches", "Gateway"}, o.Tags[0]) {
				continue
			}
			require.Contains(t, rows, o.OperationID, "add a row to validRequests")
			rows = slices.DeleteFunc(rows, func(id string) bool { return id == o.OperationID })
			found = append(found, resourceOperation{
				validRequest: validRequests()[o.OperationID], id: o.OperationID, method: strings.ToUpper(method), hasBody: o.RequestBody != nil,
				pattern: path,
			})
		}
	}
	require.Empty(t, rows, "the document has no such operation")
	slices.SortFunc(found, func(a, b resourceOperation) int { return strings.Compare(a.id, b.id) })
	return found
}

// validRequests returns the rows by operation id. The workflow type in the requests is Report, and the task queue is
// reports.
func validRequests() map[string]validRequest {
	all := map[string]validRequest{}
	for _, rows := range []map[string]validRequest{scheduleRequests(), activityRequests(), taskQueueRequests(), deploymentRequests(), namespaceRequests()} {
		maps.Copy(all, rows)
	}
	return all
}

func scheduleRequests() map[string]validRequest {
	const (
		schedule = `{"action":{"workflowType":"Report","workflowId":"report","taskQueue":"reports"},"spec":{"intervals":[{"every":"1h"}]}}`
		invalid  = `{"schedule":{"action":{"workflowType":"","workflowId":"report","taskQueue":"reports"},"spec":{}}}`
		patch    = workflowservice.WorkflowService_PatchSchedule_FullMethodName
		update   = workflowservice.WorkflowService_UpdateSchedule_FullMethodName
		between  = "?startTime=2026-01-01T00:00:00Z&endTime=2026-01-02T00:00:00Z"
	)
	return map[string]validRequest{
		"createSchedule": {
			rpc:  workflowservice.WorkflowService_CreateSchedule_FullMethodName,
			body: `{"scheduleId":"nightly","schedule":` + schedule + `}`, invalid: `{"scheduleId":"",` + invalid[1:], forbidden: named,
		},
		"listSchedules":    {rpc: workflowservice.WorkflowService_ListSchedules_FullMethodName},
		"countSchedules":   {rpc: workflowservice.WorkflowService_CountSchedules_FullMethodName},
		"describeSchedule": {rpc: workflowservice.WorkflowService_DescribeSchedule_FullMethodName, absent: "schedule-not-found"},
		"replaceSchedule":  {rpc: update, body: `{"schedule":` + schedule + `}`, invalid: invalid, absent: "schedule-not-found", forbidden: named},
		"patchSchedule":    {rpc: update, body: `{"schedule":` + schedule + `}`, invalid: invalid, absent: "schedule-not-found", merged: true, forbidden: named},
		"deleteSchedule":   {rpc: workflowservice.WorkflowService_DeleteSchedule_FullMethodName, absent: "schedule-not-found"},
		"pauseSchedule":    {rpc: patch, body: `{"note":"lunch"}`, invalid: `{"note":1}`, absent: "schedule-not-found"},
		"unpauseSchedule":  {rpc: patch, invalid: `{"note":1}`, absent: "schedule-not-found", forbidden: unnamed},
		"triggerSchedule":  {rpc: patch, invalid: `{"overlap":"SOMETIMES"}`, absent: "schedule-not-found", forbidden: unnamed},
		"backfillSchedule": {
			rpc: patch, body: `{"backfill":[{"startAt":"2026-01-01T00:00:00Z","endAt":"2026-01-02T00:00:00Z"}]}`, invalid: `{"backfill":[]}`,
			absent: "schedule-not-found", forbidden: unnamed,
		},
		"listScheduleMatchingTimes": {
			rpc: workflowservice.WorkflowService_ListScheduleMatchingTimes_FullMethodName, query: between, absent: "schedule-not-found",
		},
	}
}

func activityRequests() map[string]validRequest {
	const absent, reason = "activity-not-found", `{"reason":1}`
	// A report starts nothing, so that a limited key may send it.
	report := func(rpc, member string) validRequest {
		return validRequest{
			rpc: rpc, body: `{"workflowId":"order","activityId":"charge"` + member + `}`, invalid: `{"workflowId":"order"` + member + `}`, absent: absent,
		}
	}
	return map[string]validRequest{
		"startActivity": {
			rpc:     workflowservice.WorkflowService_StartActivityExecution_FullMethodName,
			body:    `{"activityType":"charge","activityId":"charge","taskQueue":"reports","startToCloseTimeout":"30s"}`,
			invalid: `{"activityType":"charge","activityId":"charge","taskQueue":"reports"}`, forbidden: named,
		},
		"listActivities":             {rpc: workflowservice.WorkflowService_ListActivityExecutions_FullMethodName},
		"countActivities":            {rpc: workflowservice.WorkflowService_CountActivityExecutions_FullMethodName},
		"describeActivity":           {rpc: workflowservice.WorkflowService_DescribeActivityExecution_FullMethodName, absent: absent},
		"getActivityResult":          {rpc: workflowservice.WorkflowService_PollActivityExecution_FullMethodName, absent: absent},
		"cancelActivity":             {rpc: workflowservice.WorkflowService_RequestCancelActivityExecution_FullMethodName, invalid: reason, absent: absent},
		"terminateActivity":          {rpc: workflowservice.WorkflowService_TerminateActivityExecution_FullMethodName, invalid: reason, absent: absent},
		"heartbeatActivity":          report(workflowservice.WorkflowService_RecordActivityTaskHeartbeat_FullMethodName, ""),
		"completeActivity":           report(workflowservice.WorkflowService_RespondActivityTaskCompleted_FullMethodName, ""),
		"failActivity":               report(workflowservice.WorkflowService_RespondActivityTaskFailed_FullMethodName, `,"failure":{"message":"declined"}`),
		"reportActivityCancellation": report(workflowservice.WorkflowService_RespondActivityTaskCanceled_FullMethodName, ""),
	}
}

func taskQueueRequests() map[string]validRequest {
	return map[string]validRequest{
		"describeTaskQueue": {rpc: workflowservice.WorkflowService_DescribeTaskQueue_FullMethodName},
		"pollActivityTask": {
			rpc: workflowservice.WorkflowService_PollActivityTaskQueue_FullMethodName, query: "?wait=5s", body: `{"identitySuffix":"a"}`, invalid: `{"buildId":"7"}`,
			forbidden: otherQueue,
		},
		"getBuildIdCompatibility": {rpc: workflowservice.WorkflowService_GetWorkerBuildIdCompatibility_FullMethodName},
		"updateBuildIdCompatibility": {
			rpc:  workflowservice.WorkflowService_UpdateWorkerBuildIdCompatibility_FullMethodName,
			body: `{"addNewDefault":{"buildId":"7"}}`, invalid: `{"addNewDefault":{"buildId":""}}`, forbidden: otherQueue,
		},
		"getTaskReachability": {
			rpc: workflowservice.WorkflowService_GetWorkerTaskReachability_FullMethodName, body: `{"buildIds":["7"],"taskQueues":["reports"]}`, invalid: `{"buildIds":[]}`,
		},
	}
}

func deploymentRequests() map[string]validRequest {
	const absent = "deployment-not-found"
	return map[string]validRequest{
		"listDeployments":    {rpc: workflowservice.WorkflowService_ListWorkerDeployments_FullMethodName},
		"describeDeployment": {rpc: workflowservice.WorkflowService_DescribeWorkerDeployment_FullMethodName, absent: absent},
		"deleteDeployment":   {rpc: workflowservice.WorkflowService_DeleteWorkerDeployment_FullMethodName, absent: absent},
		"setDeploymentCurrentVersion": {
			rpc: workflowservice.WorkflowService_SetWorkerDeploymentCurrentVersion_FullMethodName, body: `{"buildId":"7"}`, invalid: `{"buildId":"__7"}`, absent: absent, forbidden: unnamed,
		},
		"setDeploymentRampingVersion": {
			rpc: workflowservice.WorkflowService_SetWorkerDeploymentRampingVersion_FullMethodName, body: `{"buildId":"7","percentage":10}`,
			invalid: `{"buildId":"7","percentage":101}`, absent: absent, forbidden: unnamed,
		},
		"setDeploymentManager": {
			rpc: workflowservice.WorkflowService_SetWorkerDeploymentManager_FullMethodName, body: `{"managerIdentity":"pipeline"}`, invalid: `{}`, absent: absent, forbidden: unnamed,
		},
		"describeDeploymentVersion": {rpc: workflowservice.WorkflowService_DescribeWorkerDeploymentVersion_FullMethodName, absent: absent},
		"deleteDeploymentVersion":   {rpc: workflowservice.WorkflowService_DeleteWorkerDeploymentVersion_FullMethodName, absent: absent},
		"updateDeploymentVersionMetadata": {
			rpc: workflowservice.WorkflowService_UpdateWorkerDeploymentVersionMetadata_FullMethodName, body: `{"upsertEntries":{"commit":"5f0e"}}`,
			invalid: `{"upsertEntries":{"a":1},"removeEntries":["a"]}`, absent: absent, forbidden: unnamed,
		},
	}
}

func namespaceRequests() map[string]validRequest {
	return map[string]validRequest{
		"listNamespaces": {rpc: workflowservice.WorkflowService_ListNamespaces_FullMethodName},
		"registerNamespace": {
			rpc:  workflowservice.WorkflowService_RegisterNamespace_FullMethodName,
			body: `{"name":"default","retention":"24h"}`, invalid: `{"name":"default","retention":"soon"}`,
		},
		"describeNamespace":    {rpc: workflowservice.WorkflowService_DescribeNamespace_FullMethodName},
		"updateNamespace":      {rpc: workflowservice.WorkflowService_UpdateNamespace_FullMethodName, body: `{"retention":"24h"}`, invalid: `{"retention":"soon"}`},
		"listSearchAttributes": {rpc: operatorservice.OperatorService_ListSearchAttributes_FullMethodName},
		"addSearchAttributes": {
			rpc: operatorservice.OperatorService_AddSearchAttributes_FullMethodName, body: `{"attributes":{"Items":"Int"}}`, invalid: `{"attributes":{"Items":"Number"}}`,
		},
		"removeSearchAttribute": {rpc: operatorservice.OperatorService_RemoveSearchAttributes_FullMethodName},
	}
}
