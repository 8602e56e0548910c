package temporalhttp_test

import (
	"net/http"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// activityExamples returns the examples for standalone activities, which have no workflow, and for changes of
// activities of either kind.
func activityExamples() map[string][]example {
	activityID := map[string]string{"activity_id": "${activity}"}
	return map[string][]example{
		"StartActivityExecution": {
			{body: `{"activityType":{"name":"Chore"},"taskQueue":{"name":"${id}"},"startToCloseTimeout":"10s","scheduleToCloseTimeout":"60s",
				"requestId":"${id}-request","input":[{"a":[1]}],"identity":"all","retryPolicy":{"maximumAttempts":2},
				"searchAttributes":{"indexedFields":{"CustomerId":"c-1"}},"userMetadata":{"summary":"s"},"header":{"fields":{"h":"v"}},
				"idReusePolicy":"ACTIVITY_ID_REUSE_POLICY_REJECT_DUPLICATE","priority":{"priorityKey":1}}`, after: activityPath + "?includeInput=true&includeOutcome=true&noPayloadShorthand"},
			{
				about: "exists", prepare: standaloneActivity, status: http.StatusConflict,
				body: `{"activityType":{"name":"Chore"},"taskQueue":{"name":"${id}"},"startToCloseTimeout":"10s","requestId":"${id}-other"}`,
			},
			{about: "no timeout", body: `{"activityType":{"name":"Chore"},"taskQueue":{"name":"q"}}`, status: http.StatusBadRequest},
		},
		"DescribeActivityExecution": {
			{prepare: standaloneActivity, query: "includeInput=true&includeOutcome=true"},
			{about: "failed", prepare: failedStandaloneActivity, query: "includeOutcome=true&runId=${run}"},
			{about: "absent", status: http.StatusNotFound},
		},
		"PollActivityExecution": {
			{prepare: failedStandaloneActivity, query: "runId=${run}"},
			{about: "done", prepare: completedStandaloneActivity},
			{about: "absent", status: http.StatusNotFound},
		},
		"ListActivityExecutions":  {{prepare: listedActivity, query: "pageSize=5&query=ActivityId%3D%22${id}%22"}},
		"CountActivityExecutions": {{prepare: listedActivity, query: "query=ActivityId%3D%22${id}%22"}},
		"RequestCancelActivityExecution": {
			{prepare: standaloneActivity, body: `{"runId":"${run}","identity":"all","requestId":"${id}-request","reason":"enough"}`},
			{about: "absent", body: `{}`, status: http.StatusNotFound},
		},
		"TerminateActivityExecution": {{prepare: standaloneActivity, body: `{"requestId":"${id}-request","reason":"enough"}`}},
		"PauseActivityExecution": {
			{prepare: startedActivity, path: activityID, body: `{"runId":"${run}","identity":"all","reason":"coffee","requestId":"${id}-request"}`},
		},
		"UnpauseActivityExecution": {
			{prepare: pausedActivity, path: activityID, body: `{"runId":"${run}","reason":"back","jitter":"1s","requestId":"${id}-request"}`},
		},
		"ResetActivityExecution": {
			{prepare: startedActivity, path: activityID, body: `{"runId":"${run}","resetHeartbeat":true,"keepPaused":true,"requestId":"${id}-request"}`},
		},
		"UpdateActivityExecutionOptions": {
			{
				prepare: startedActivity, path: activityID,
				body: `{"runId":"${run}","activityOptions":{"startToCloseTimeout":"77s","retryPolicy":{"maximumAttempts":9}},
					"updateMask":"startToCloseTimeout,retryPolicy.maximumAttempts","requestId":"${id}-request"}`,
			},
			{
				about: "invalid mask", prepare: startedActivity, path: activityID, status: http.StatusBadRequest,
				body: `{"runId":"${run}","activityOptions":{},"updateMask":"nonsense"}`,
			},
		},
		"PauseActivity":   {{prepare: pendingActivity, body: `{"execution":{"workflowId":"${id}"},"id":"chore","identity":"all","reason":"coffee"}`}},
		"UnpauseActivity": {{prepare: pendingActivity, body: `{"execution":{"workflowId":"${id}"},"type":"Chore","resetAttempts":true}`}},
		"ResetActivity":   {{prepare: pendingActivity, body: `{"execution":{"workflowId":"${id}","runId":"${run}"},"id":"chore","jitter":"0.5s"}`}},
		"UpdateActivityOptions": {{
			prepare: pendingActivity,
			body: `{"execution":{"workflowId":"${id}"},"id":"chore","activityOptions":{"heartbeatTimeout":"33s","taskQueue":{"name":"else"}},
				"updateMask":"heartbeatTimeout,taskQueue.name"}`,
		}},
	}
}

// pausedActivity prepares a paused activity that no worker has started.
func pausedActivity(s *fixture) {
	path := "/namespaces/default/activities/${activity}"
	if s.isStandalone() {
		standaloneActivity(s)
	} else {
		pendingActivity(s)
		path = workflow + "/activities/${activity}"
	}
	s.call(http.MethodPost, path+"/pause", `{"runId":"${run}","requestId":"${id}-pause"}`)
}

func failedStandaloneActivity(s *fixture) {
	standaloneActivity(s)
	s.startActivity()
	s.call(http.MethodPost, activityPath+"/fail", `{"runId":"${run}",`+activityFailure+`}`)
}

func completedStandaloneActivity(s *fixture) {
	standaloneActivity(s)
	s.startActivity()
	s.call(http.MethodPost, activityPath+"/complete", `{"runId":"${run}","result":[{"n":[1,2.5]},"x"]}`)
}

func listedActivity(s *fixture) {
	standaloneActivity(s)
	e2etest.Eventually(s.T, "the activity is listed", func() bool {
		return field(s.call(http.MethodGet, "/namespaces/default/activity-count?query=ActivityId%3D%22${id}%22", ""), "count") == "1"
	})
}
