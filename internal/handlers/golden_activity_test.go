package handlers_test

import (
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
)

const activitiesPath = "/v1/namespaces/default/activities"

// activityResponses has the requests of goldenResponses for the operations on activities.
func activityResponses() map[string]exchange {
	return map[string]exchange{
		"heartbeatActivity":          post(activitiesPath+":heartbeat", `{"workflowId":"order","activityId":"charge","details":[{"done":1.10}]}`, respond("RecordActivityTaskHeartbeatById", &workflowservice.RecordActivityTaskHeartbeatByIdResponse{CancelRequested: true})),
		"completeActivity":           post(activitiesPath+":complete", `{"workflowId":"order","activityId":"charge","result":{"paid":1.10}}`, respond("RespondActivityTaskCompletedById", &workflowservice.RespondActivityTaskCompletedByIdResponse{})),
		"failActivity":               post(activitiesPath+":fail", `{"workflowId":"order","activityId":"charge","failure":{"message":"declined","type":"PaymentDeclined"}}`, respond("RespondActivityTaskFailedById", &workflowservice.RespondActivityTaskFailedByIdResponse{})),
		"reportActivityCancellation": post(activitiesPath+":reportCancellation", `{"workflowId":"order","activityId":"charge"}`, respond("RespondActivityTaskCanceledById", &workflowservice.RespondActivityTaskCanceledByIdResponse{})),
	}
}

// activityProblems has the requests of goldenProblems for the operations on activities.
func activityProblems() map[string]exchange {
	return map[string]exchange{
		"heartbeatActivity": post(activitiesPath+":heartbeat", `{"workflowId":"order","activityId":"charge"}`, failWith("RecordActivityTaskHeartbeatById", serviceerror.NewNotFound("workflow not found for ID: order"))),
		"completeActivity": post(activitiesPath+":complete", `{"workflowId":"order","activityId":"charge","result":1}`, failWith("RespondActivityTaskCompletedById",
			serviceerror.NewNotFound("cannot find pending activity with ActivityID charge, check workflow execution history for more details"))),
		"failActivity":               post(activitiesPath+":fail", `{"taskToken":"AAAA","failure":{"message":"","nextRetryDelay":"soon"}}`, nil),
		"reportActivityCancellation": post(activitiesPath+":reportCancellation", `{"workflowId":"order","activityId":"charge"}`, failWith("RespondActivityTaskCanceledById", serviceerror.NewNotFound("workflow execution already completed"))),
	}
}
