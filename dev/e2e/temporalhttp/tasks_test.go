package temporalhttp_test

import "net/http"

// activityFailure is the member of a request with an application failure whose cause is a timeout failure.
const activityFailure = `"failure":{"message":"no","source":"tester","stackTrace":"at main",
	"applicationFailureInfo":{"type":"Bad","nonRetryable":true,"details":[{"d":1}]},
	"cause":{"message":"why","timeoutFailureInfo":{"timeoutType":"TIMEOUT_TYPE_HEARTBEAT","lastHeartbeatDetails":[1]}}}`

// taskExamples returns the examples for methods by which a worker reports on an activity, by task token or by ids.
func taskExamples() map[string][]example {
	byID := func(prepare func(*fixture), members string) []example {
		path := map[string]string{"activity_id": "${activity}"}
		return []example{
			{prepare: prepare, path: path, body: `{"runId":"${run}",` + members + `}`},
			{about: "absent", body: `{}`, status: http.StatusNotFound},
		}
	}
	return map[string][]example{
		"RecordActivityTaskHeartbeat": {
			{prepare: startedActivity, body: `{"taskToken":"${token}","details":[{"done":3}],"identity":"tester"}`},
			{about: "invalid token", body: `{"taskToken":"AAAA"}`, status: http.StatusBadRequest},
		},
		"RespondActivityTaskCompleted": {
			{prepare: startedActivity, body: `{"taskToken":"${token}","result":["done",{"n":1}],"identity":"tester"}`},
		},
		"RespondActivityTaskFailed": {
			{prepare: startedActivity, body: `{"taskToken":"${token}",` + activityFailure + `,"lastHeartbeatDetails":[1]}`},
		},
		"RespondActivityTaskCanceled": {
			{prepare: canceledActivity, body: `{"taskToken":"${token}","details":["stopped"]}`},
			{about: "not canceled", prepare: startedActivity, body: `{"taskToken":"${token}"}`, status: http.StatusBadRequest},
		},
		"RecordActivityTaskHeartbeatById":  byID(startedActivity, `"details":[{"done":3}],"identity":"tester"`),
		"RespondActivityTaskCompletedById": byID(startedActivity, `"result":["done",{"n":1}],"identity":"tester"`),
		"RespondActivityTaskFailedById":    byID(startedActivity, activityFailure),
		"RespondActivityTaskCanceledById":  byID(canceledActivity, `"details":["stopped"]`),
	}
}
