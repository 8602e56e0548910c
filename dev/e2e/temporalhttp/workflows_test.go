package temporalhttp_test

import (
	"net/http"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// everything is the body of a start with all members that a caller may set.
const everything = `{
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

// workflowExamples returns the examples of starting, describing and ending workflows.
func workflowExamples() map[string][]example {
	return map[string][]example{
		"StartWorkflowExecution": {
			{body: everything, after: workflow + "/history?noPayloadShorthand"},
			{
				about: "worker", body: `{"workflow_type":{"name":"Echo"},"task_queue":{"name":"orders"},"input":[1]}`,
				after: workflow + "/history?historyEventFilterType=2&waitNewEvent=true&noPayloadShorthand",
			},
			{
				about: "running", prepare: unpolled, status: http.StatusConflict,
				body: `{"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"${id}"}}`,
			},
			{
				about: "use existing", prepare: unpolled,
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
			{prepare: unpolledWithEverything},
			{about: "run", prepare: unpolled, query: "execution.runId=${run}"},
			{about: "closed", prepare: order},
			{about: "failed", prepare: failed},
			{about: "pending", prepare: pendingActivity},
			{about: "waiting", prepare: waiting},
			{about: "absent", status: http.StatusNotFound},
			{about: "invalid run id", query: "execution.runId=not-a-uuid", status: http.StatusBadRequest},
		},
		"GetWorkflowExecutionHistory": {
			{prepare: order},
			{about: "everything", prepare: unpolledWithEverything},
			{about: "failed", prepare: failed},
			{
				about: "by parameters", prepare: order,
				query: "execution.runId=${run}&maximumPageSize=3&historyEventFilterType=HISTORY_EVENT_FILTER_TYPE_ALL_EVENT&skipArchival=true",
			},
			{about: "close", prepare: order, query: "historyEventFilterType=2&waitNewEvent=true"},
			{about: "last page", prepare: orderPaged, query: "maximumPageSize=5&nextPageToken=${token}"},
			{about: "long form", prepare: order, query: "noPayloadShorthand"},
			{about: "signals", prepare: signalled},
			{about: "absent", status: http.StatusNotFound},
		},
		"GetWorkflowExecutionHistoryReverse": {
			{prepare: order, query: "execution.run_id=${run}"},
			{about: "page", prepare: order, query: "maximum_page_size=2"},
		},
		"ListWorkflowExecutions": {
			{prepare: listed, query: "pageSize=10&query=WorkflowId%3D%22${id}%22"},
			{about: "invalid query", query: "query=nonsense", status: http.StatusBadRequest},
			{about: "none", query: "query=WorkflowId%20%3D%20'${id}'"},
		},
		"CountWorkflowExecutions": {
			{prepare: listed, query: "query=WorkflowId%3D%22${id}%22"},
			{about: "groups", prepare: listed, query: "query=WorkflowId%3D%22${id}%22%20GROUP%20BY%20ExecutionStatus"},
			{about: "none", query: "query=WorkflowId%3D%22${id}%22"},
		},
		"ListArchivedWorkflowExecutions": {{query: "pageSize=10", status: http.StatusBadRequest}},
		"RequestCancelWorkflowExecution": {
			{
				prepare: unpolled,
				body:    `{"reason":"enough","identity":"all","requestId":"${id}-request","firstExecutionRunId":"${run}","workflowExecution":{"runId":"${run}"}}`, after: workflow + "/history?noPayloadShorthand",
			},
			{about: "absent", body: `{}`, status: http.StatusNotFound},
		},
		"TerminateWorkflowExecution": {
			{prepare: unpolled, body: `{"reason":"enough","details":[{"why":"because"}],"identity":"all"}`, after: workflow + "/history?noPayloadShorthand"},
			{about: "closed", prepare: order, body: `{"reason":"enough"}`, status: http.StatusNotFound},
		},
		"ResetWorkflowExecution": {
			{
				prepare: order,
				body: `{"workflowExecution":{"runId":"${run}"},"reason":"again","workflowTaskFinishEventId":"4","requestId":"${id}-request",
					"resetReapplyType":"RESET_REAPPLY_TYPE_NONE"}`,
			},
			{about: "no event", prepare: order, body: `{"workflowTaskFinishEventId":"99"}`, status: http.StatusBadRequest},
		},
		"UpdateWorkflowExecutionOptions": {{
			prepare: unpolled,
			body:    `{"workflowExecutionOptions":{"priority":{"priorityKey":4}},"updateMask":"priority.priorityKey","identity":"all"}`, after: workflow + "/history?noPayloadShorthand",
		}},
		"PauseWorkflowExecution": {
			{prepare: unpolled, body: `{"identity":"all","reason":"coffee","requestId":"${id}-request"}`, after: workflow + "/history?noPayloadShorthand"},
			{about: "absent", body: `{"requestId":"r"}`, status: http.StatusNotFound},
		},
		"UnpauseWorkflowExecution":          {{prepare: paused, body: `{"identity":"all","reason":"back","requestId":"${id}-request"}`, after: workflow + "/history?noPayloadShorthand"}},
		"PollWorkflowExecutionTimeSkipping": {{prepare: unpolled, query: "workflowExecution.runId=${run}", status: http.StatusNotImplemented}},
	}
}

// unpolled starts a workflow on a task queue without a worker, so that it makes no progress.
func unpolled(s *fixture) {
	s.start(`{"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"${id}"},"requestId":"${id}-first"}`)
}

func unpolledWithEverything(s *fixture) { s.start(everything) }

// order runs a workflow of the sample worker until it has completed.
func order(s *fixture) {
	s.start(`{"workflowType":{"name":"Order"},"taskQueue":{"name":"orders"},"input":[{"orderId":"o-1","customerId":"c-9",
		"autoApprove":true,"items":[{"sku":"book","quantity":2,"price":1250}]}]}`)
	s.closed()
}

// orderPaged stores the token of the second page.
func orderPaged(s *fixture) {
	order(s)
	page := s.call(http.MethodGet, workflow+"/history?maximumPageSize=5", "")
	token, _ := field(page, "nextPageToken").(string)
	s.set("token", escaped(token))
}

// failed prepares a failure with a chain of causes and details.
func failed(s *fixture) {
	s.start(`{"workflowType":{"name":"Fail"},"taskQueue":{"name":"orders"},"input":[{"message":"no luck","nonRetryable":true}]}`)
	s.closed()
}

// waiting prepares a workflow of the sample worker that waits for a signal.
func waiting(s *fixture) {
	s.start(`{"workflowType":{"name":"Wait"},"taskQueue":{"name":"orders"}}`)
	e2etest.Eventually(s.T, "the workflow waits", func() bool {
		_, ok := s.tryCall(http.MethodPost, workflow+"/query/state", `{}`)
		return ok && field(s.call(http.MethodGet, workflow, ""), "pendingWorkflowTask") == nil
	})
}

// slept prepares a workflow without query handlers: a worker lists the names of handlers in random order.
func slept(s *fixture) {
	s.start(`{"workflowType":{"name":"Sleep"},"taskQueue":{"name":"orders"},"input":[{"seconds":0.01}]}`)
	s.closed()
}

func signalled(s *fixture) {
	waiting(s)
	s.call(http.MethodPost, workflow+"/signal/finish", `{"input":[{"by":"ann"}],"requestId":"${id}-signal"}`)
	s.closed()
}

func paused(s *fixture) {
	unpolled(s)
	s.call(http.MethodPost, workflow+"/pause", `{"requestId":"${id}-pause"}`)
}

// listed waits until the visibility store has the workflow.
func listed(s *fixture) {
	unpolledWithEverything(s)
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

// closed waits until the fixture's workflow has closed.
func (s *fixture) closed() {
	s.Helper()
	e2etest.Eventually(s.T, "the workflow has ended", func() bool {
		status := field(s.call(http.MethodGet, workflow, ""), "workflowExecutionInfo", "status")
		return status != "WORKFLOW_EXECUTION_STATUS_RUNNING"
	})
}
