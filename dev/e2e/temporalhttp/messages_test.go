package temporalhttp_test

import "net/http"

// messageExamples returns the examples for signals, queries and updates.
func messageExamples() map[string][]example {
	return map[string][]example{
		"SignalWorkflowExecution": {
			{
				prepare: workflowWithoutWorker, path: map[string]string{"signal_name": "poke it"},
				body: `{"input":[{"n":1},null],"identity":"all","requestId":"${id}-request","workflowExecution":{"runId":"${run}"},
					"header":{"fields":{"h":"v"}}}`, after: workflow + "/history?noPayloadShorthand",
			},
			{about: "absent", path: map[string]string{"signal_name": "poke"}, body: `{}`, status: http.StatusNotFound},
		},
		"QueryWorkflow": {
			{
				reads: true, prepare: waitingWorkflow, path: map[string]string{"query_type": "echo"},
				body: `{"query":{"queryArgs":[{"deep":{"list":[1,2.5,"x",null,false]}}],"header":{"fields":{"h":1}}}}`,
			},
			{
				about: "rejected", reads: true, prepare: completedOrder, path: map[string]string{"query_type": "status"},
				body: `{"queryRejectCondition":"QUERY_REJECT_CONDITION_NOT_OPEN","execution":{"runId":"${run}"}}`,
			},
			{about: "by number", reads: true, prepare: completedOrder, path: map[string]string{"query_type": "status"}, body: `{"queryRejectCondition":2}`},
			{about: "failed", reads: true, prepare: completedSleep, path: map[string]string{"query_type": "nope"}, body: `{}`, status: http.StatusBadRequest},
		},
		"UpdateWorkflowExecution": {
			{
				prepare: waitingWorkflow, path: map[string]string{"name": "echo"},
				body: `{"request":{"meta":{"updateId":"${id}-update","identity":"all"},"input":{"args":[{"v":[1,"two"]}]}},
					"waitPolicy":{"lifecycleStage":"UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED"}}`,
			},
			{
				about: "unknown", prepare: waitingWorkflow, path: map[string]string{"name": "nope"},
				body: `{"request":{"meta":{"updateId":"${id}-update"},"input":{"args":[]}},"waitPolicy":{"lifecycleStage":3}}`,
			},
			{about: "absent", path: map[string]string{"name": "echo"}, body: `{"request":{"meta":{"updateId":"u"}}}`, status: http.StatusNotFound},
		},
	}
}
