package temporalhttp_test

import (
	"net/http"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// fullStartBody is a request body that starts a workflow, with every member that a caller can set.
const fullStartBody = `{
	"workflowType":{"name":"Unpolled"}, "taskQueue":{"name":"${id}","kind":"TASK_QUEUE_KIND_NORMAL"},
	"input":[{"a":1,"b":["x",true,2.5]},"text",7],
	"workflowExecutionTimeout":"3600s", "workflowRunTimeout":"1800.5s", "workflowTaskTimeout":"10s",
	"identity":"all", "requestId":"${id}-request",
	"workflowIdReusePolicy":"WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE", "workflowIdConflictPolicy":1,
	"retryPolicy":{"initialInterval":"1s","backoffCoefficient":1.5,"maximumInterval":"10s","maximumAttempts":3,
		"nonRetryableErrorTypes":["Bad"]},
	"memo":{"fields":{"note":"remember","count":3}},
	"searchAttributes":{"indexedFields":{"CustomerId":"c-1","Items":3,"Express":true,"Tags":["a","b"]}},
	"header":{"fields":{"trace":"abc"}},
	"workflowStartDelay":"3600s",
	"userMetadata":{"summary":"a summary","details":"some details"},
	"priority":{"priorityKey":2,"fairnessKey":"tenant","fairnessWeight":1.5},
	"links":[{"workflowEvent":{"namespace":"default","workflowId":"w","runId":"r",
		"eventRef":{"eventId":"5","eventType":"EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED"}}}]
}`

// workflowExamples returns the examples for workflows, except signals, queries and updates.
func workflowExamples() map[string][]example {
	return map[string][]example{
		"StartWorkflowExecution": {
			{body: fullStartBody, after: workflow + "/history?noPayloadShorthand"},
			{
				about: "worker", body: `{"workflow_type":{"name":"Echo"},"task_queue":{"name":"orders"},"input":[1]}`,
				after: workflow + "/history?historyEventFilterType=2&waitNewEvent=true&noPayloadShorthand",
			},
			{
				about: "running", prepare: workflowWithoutWorker, status: http.StatusConflict,
				body: `{"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"${id}"}}`,
			},
			{
				about: "use existing", prepare: workflowWithoutWorker,
				body: `{"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"${id}"},"requestId":"${id}-again",
					"workflowIdConflictPolicy":"WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING"}`,
			},
			{about: "no type", body: `{"taskQueue":{"name":"q"}}`, status: http.StatusBadRequest},
			{about: "no body", status: http.StatusBadRequest},
			{
				about: "other namespace", status: http.StatusNotFound, path: map[string]string{"namespace": "nowhere"},
				body: `{"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"q"}}`,
			},
			{
				about: "unknown attribute", status: http.StatusBadRequest,
				body: `{"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"q"},"searchAttributes":{"indexedFields":{"Nope":"x"}}}`,
			},
		},
		"SignalWithStartWorkflowExecution": {
			{
				path: map[string]string{"signal_name": "poke"},
				body: `{"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"${id}"},"input":[1],"signalInput":[{"s":2}],"identity":"all",
					"requestId":"${id}-request","memo":{"fields":{"m":[1]}}}`, after: workflow + "/history?noPayloadShorthand",
			},
		},
		"DescribeWorkflowExecution": {
			{prepare: workflowWithAllMembers},
			{about: "run", prepare: workflowWithoutWorker, query: "execution.runId=${run}"},
			{about: "closed", prepare: completedOrder},
			{about: "failed", prepare: failedWorkflow},
			{about: "pending", prepare: pendingActivity},
			{about: "waiting", prepare: waitingWorkflow},
			{about: "absent", status: http.StatusNotFound},
			{about: "invalid run id", query: "execution.runId=not-a-uuid", status: http.StatusBadRequest},
		},
		"GetWorkflowExecutionHistory": {
			{prepare: completedOrder},
			{about: "everything", prepare: workflowWithAllMembers},
			{about: "failed", prepare: failedWorkflow},
			{
				about: "by parameters", prepare: completedOrder,
				query: "execution.runId=${run}&maximumPageSize=3&historyEventFilterType=HISTORY_EVENT_FILTER_TYPE_ALL_EVENT&skipArchival=true",
			},
			{about: "close", prepare: completedOrder, query: "historyEventFilterType=2&waitNewEvent=true"},
			{about: "last page", prepare: completedOrderWithToken, query: "maximumPageSize=5&nextPageToken=${token}"},
			{about: "long form", prepare: completedOrder, query: "noPayloadShorthand"},
			{about: "signals", prepare: signalledWorkflow},
			{about: "absent", status: http.StatusNotFound},
		},
		"GetWorkflowExecutionHistoryReverse": {
			{prepare: completedOrder, query: "execution.run_id=${run}"},
			{about: "page", prepare: completedOrder, query: "maximum_page_size=2"},
		},
		"ListWorkflowExecutions": {
			{prepare: listedWorkflow, query: "pageSize=10&query=WorkflowId%3D%22${id}%22"},
			{about: "invalid query", query: "query=nonsense", status: http.StatusBadRequest},
			{about: "none", query: "query=WorkflowId%20%3D%20'${id}'"},
		},
		"CountWorkflowExecutions": {
			{prepare: listedWorkflow, query: "query=WorkflowId%3D%22${id}%22"},
			{about: "groups", prepare: listedWorkflow, query: "query=WorkflowId%3D%22${id}%22%20GROUP%20BY%20ExecutionStatus"},
			{about: "none", query: "query=WorkflowId%3D%22${id}%22"},
		},
		"ListArchivedWorkflowExecutions": {{query: "pageSize=10", status: http.StatusBadRequest}},
		"RequestCancelWorkflowExecution": {
			{
				prepare: workflowWithoutWorker,
				body:    `{"reason":"enough","identity":"all","requestId":"${id}-request","firstExecutionRunId":"${run}","workflowExecution":{"runId":"${run}"}}`, after: workflow + "/history?noPayloadShorthand",
			},
			{about: "absent", body: `{}`, status: http.StatusNotFound},
		},
		"TerminateWorkflowExecution": {
			{prepare: workflowWithoutWorker, body: `{"reason":"enough","details":[{"why":"because"}],"identity":"all"}`, after: workflow + "/history?noPayloadShorthand"},
			{about: "closed", prepare: completedOrder, body: `{"reason":"enough"}`, status: http.StatusNotFound},
		},
		"ResetWorkflowExecution": {
			{
				prepare: completedOrder,
				body: `{"workflowExecution":{"runId":"${run}"},"reason":"again","workflowTaskFinishEventId":"4","requestId":"${id}-request",
					"resetReapplyType":"RESET_REAPPLY_TYPE_NONE"}`,
			},
			{about: "no event", prepare: completedOrder, body: `{"workflowTaskFinishEventId":"99"}`, status: http.StatusBadRequest},
		},
		"UpdateWorkflowExecutionOptions": {{
			prepare: workflowWithoutWorker,
			body:    `{"workflowExecutionOptions":{"priority":{"priorityKey":4}},"updateMask":"priority.priorityKey","identity":"all"}`, after: workflow + "/history?noPayloadShorthand",
		}},
		"PauseWorkflowExecution": {
			{prepare: workflowWithoutWorker, body: `{"identity":"all","reason":"coffee","requestId":"${id}-request"}`, after: workflow + "/history?noPayloadShorthand"},
			{about: "absent", body: `{"requestId":"r"}`, status: http.StatusNotFound},
		},
		"UnpauseWorkflowExecution":          {{prepare: pausedWorkflow, body: `{"identity":"all","reason":"back","requestId":"${id}-request"}`, after: workflow + "/history?noPayloadShorthand"}},
		"PollWorkflowExecutionTimeSkipping": {{prepare: workflowWithoutWorker, query: "workflowExecution.runId=${run}", status: http.StatusNotImplemented}},
	}
}

// workflowWithoutWorker starts a workflow on a task queue that has no worker, so that the workflow makes no progress.
func workflowWithoutWorker(s *fixture) {
	s.start(`{"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"${id}"},"requestId":"${id}-first"}`)
}

func workflowWithAllMembers(s *fixture) { s.start(fullStartBody) }

// completedOrder prepares a completed Order workflow of the sample worker.
func completedOrder(s *fixture) {
	s.start(`{"workflowType":{"name":"Order"},"taskQueue":{"name":"orders"},"input":[{"orderId":"o-1","customerId":"c-9",
		"autoApprove":true,"items":[{"sku":"book","quantity":2,"price":1250}]}]}`)
	s.awaitClosed()
}

// completedOrderWithToken prepares a completed Order workflow and stores the token for the second page of its history.
func completedOrderWithToken(s *fixture) {
	completedOrder(s)
	page := s.call(http.MethodGet, workflow+"/history?maximumPageSize=5", "")
	token, _ := field(page, "nextPageToken").(string)
	s.set("token", queryEscape(token))
}

// failedWorkflow prepares a workflow that has failed. The failure has details and a chain of causes.
func failedWorkflow(s *fixture) {
	s.start(`{"workflowType":{"name":"Fail"},"taskQueue":{"name":"orders"},"input":[{"message":"no luck","nonRetryable":true}]}`)
	s.awaitClosed()
}

// waitingWorkflow prepares a Wait workflow of the sample worker, which waits for a signal.
func waitingWorkflow(s *fixture) {
	s.start(`{"workflowType":{"name":"Wait"},"taskQueue":{"name":"orders"}}`)
	e2etest.Eventually(s.T, "the workflow waits", func() bool {
		_, ok := s.tryCall(http.MethodPost, workflow+"/query/state", `{}`)
		return ok && field(s.call(http.MethodGet, workflow, ""), "pendingWorkflowTask") == nil
	})
}

// completedSleep prepares a workflow without query handlers. With handlers, the error for an unknown query would list
// their names, in random order.
func completedSleep(s *fixture) {
	s.start(`{"workflowType":{"name":"Sleep"},"taskQueue":{"name":"orders"},"input":[{"seconds":0.01}]}`)
	s.awaitClosed()
}

func signalledWorkflow(s *fixture) {
	waitingWorkflow(s)
	s.call(http.MethodPost, workflow+"/signal/finish", `{"input":[{"by":"ann"}],"requestId":"${id}-signal"}`)
	s.awaitClosed()
}

func pausedWorkflow(s *fixture) {
	workflowWithoutWorker(s)
	s.call(http.MethodPost, workflow+"/pause", `{"requestId":"${id}-pause"}`)
}

// listedWorkflow prepares a workflow and waits until the visibility store contains it.
func listedWorkflow(s *fixture) {
	workflowWithAllMembers(s)
	e2etest.Eventually(s.T, "the workflow is listed", func() bool {
		count := s.call(http.MethodGet, "/namespaces/default/workflow-count?query=WorkflowId%3D%22${id}%22", "")
		return field(count, "count") == "1"
	})
}

// workflow is the path of the fixture's workflow.
const workflow = "/namespaces/default/workflows/${id}"

func (s *fixture) start(body string) {
	s.Helper()
	s.set("run", s.call(http.MethodPost, workflow, body)["runId"])
}

// awaitClosed waits until the workflow of the fixture has closed.
func (s *fixture) awaitClosed() {
	s.Helper()
	e2etest.Eventually(s.T, "the workflow has ended", func() bool {
		status := field(s.call(http.MethodGet, workflow, ""), "workflowExecutionInfo", "status")
		return status != "WORKFLOW_EXECUTION_STATUS_RUNNING"
	})
}
