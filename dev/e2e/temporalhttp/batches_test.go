package temporalhttp_test

import (
	"context"
	"net/http"
	"sync"

	"github.com/stretchr/testify/assert"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// batchExamples returns the examples for batch operations and workflow rules.
func batchExamples() map[string][]example {
	job := map[string]string{"job_id": "${id}-job"}
	return map[string][]example{
		"StartBatchOperation": {
			{prepare: workflowWithoutWorker, path: job, body: batchBody},
			{
				about: "signal", prepare: workflowWithoutWorker, path: job,
				body: `{"reason":"why","executions":[{"workflowId":"${id}","runId":"${run}"}],
					"signalOperation":{"signal":"poke","input":[{"a":1}],"identity":"all","header":{"fields":{"h":"v"}}},"maxOperationsPerSecond":2.5}`,
			},
			{about: "no operation", body: `{"reason":"why","visibilityQuery":"WorkflowId='x'"}`, status: http.StatusBadRequest},
		},
		"StopBatchOperation": {
			{prepare: completedBatch, path: job, body: `{"reason":"enough","identity":"all"}`, status: http.StatusNotFound},
		},
		"DescribeBatchOperation": {
			{prepare: completedBatch, path: job},
			{about: "absent", status: http.StatusNotFound},
		},
		"ListBatchOperations": {{prepare: completedBatch, query: "pageSize=1000"}},
		"CreateWorkflowRule":  {{exclusive: &workflowRulesMutex, prepare: deleteRuleAtEnd, body: ruleBody}},
		"DescribeWorkflowRule": {
			{exclusive: &workflowRulesMutex, prepare: workflowRule},
			{about: "absent", status: http.StatusBadRequest},
		},
		"DeleteWorkflowRule": {
			{exclusive: &workflowRulesMutex, prepare: workflowRule},
			{exclusive: &workflowRulesMutex, about: "absent", status: http.StatusBadRequest},
		},
		"ListWorkflowRules": {{exclusive: &workflowRulesMutex, prepare: workflowRule}},
		"TriggerWorkflowRule": {{
			prepare: workflowWithoutWorker,
			body:    `{"spec":{"id":"${id}","activityStart":{"predicate":"ActivityId = 'x'"},"actions":[{"activityPause":{}}]},"identity":"all"}`,
			status:  http.StatusNotImplemented,
		}},
	}
}

// workflowRulesMutex serialises changes of workflow rules, because a namespace accepts only one change at a time.
var workflowRulesMutex sync.Mutex //nolint:gochecknoglobals // all tests share the namespace

const (
	batchPath = "/namespaces/default/batch-operations/${id}-job"
	batchBody = `{"reason":"why","executions":[{"workflowId":"${id}","runId":"${run}"}],
		"terminationOperation":{"identity":"all","details":["bye"]}}`

	rulePath = "/namespaces/default/workflow-rules/${id}"
	ruleBody = `{"spec":{"id":"${id}","activityStart":{"predicate":"ActivityId = '${id}'"},"actions":[{"activityPause":{}}],
		"visibilityQuery":"WorkflowId = '${id}'","expirationTime":"2100-01-01T00:00:00Z"},
		"identity":"all","requestId":"${id}-request","description":"a rule"}`
)

// completedBatch prepares a completed batch operation.
func completedBatch(s *fixture) {
	workflowWithoutWorker(s)
	s.call(http.MethodPost, batchPath, batchBody)
	e2etest.Eventually(s.T, "the batch has ended", func() bool {
		members, ok := s.tryCall(http.MethodGet, batchPath, "")
		return ok && field(members, "state") == "BATCH_OPERATION_STATE_COMPLETED"
	})
}

func workflowRule(s *fixture) {
	s.call(http.MethodPost, "/namespaces/default/workflow-rules", ruleBody)
	deleteRuleAtEnd(s)
}

// deleteRuleAtEnd deletes the workflow rule of the fixture when the test ends, because the server limits their number.
func deleteRuleAtEnd(s *fixture) {
	s.Cleanup(func() {
		_, err := shared.direct.sendContext(context.Background(), request{verb: http.MethodDelete, path: s.expand(rulePath)})
		assert.NoError(s, err)
	})
}
