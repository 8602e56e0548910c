package handlers_test

import (
	"go.temporal.io/api/activity/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/flowgate/flowgate/internal/temporalfake"
)

const activitiesPath = "/v1/namespaces/default/activities"

const goldenActivity = `{"activityType":"charge","activityId":"charge-1","taskQueue":"orders","args":[{"amount":1.10}],"startToCloseTimeout":"30s"}`

func goldenActivityListInfo() *activity.ActivityExecutionListInfo {
	return &activity.ActivityExecutionListInfo{
		ActivityId: "charge-1", RunId: temporalfake.RunID, ActivityType: &common.ActivityType{Name: "charge"}, TaskQueue: "orders",
		Status: enums.ACTIVITY_EXECUTION_STATUS_RUNNING, ScheduleTime: minuteTime(0), StateTransitionCount: 2, StateSizeBytes: 512,
	}
}

func goldenActivityDescription() *workflowservice.DescribeActivityExecutionResponse {
	return &workflowservice.DescribeActivityExecutionResponse{
		RunId: temporalfake.RunID, Input: jsonPayloads(`{"amount":1.10}`),
		Info: &activity.ActivityExecutionInfo{
			ActivityId: "charge-1", RunId: temporalfake.RunID, ActivityType: &common.ActivityType{Name: "charge"}, TaskQueue: "orders",
			Status: enums.ACTIVITY_EXECUTION_STATUS_RUNNING, RunState: enums.PENDING_ACTIVITY_STATE_STARTED, Attempt: 2,
			StartToCloseTimeout: durationpb.New(30e9), RetryPolicy: &common.RetryPolicy{InitialInterval: durationpb.New(1e9), BackoffCoefficient: 2},
			ScheduleTime: minuteTime(0), LastStartedTime: minuteTime(1), LastHeartbeatTime: minuteTime(2), TotalHeartbeatCount: 3,
			HeartbeatDetails: jsonPayloads(`{"done":1.10}`), LastWorkerIdentity: "worker", Priority: &common.Priority{PriorityKey: 2},
			UserMetadata: &sdk.UserMetadata{Summary: jsonPayload(`"Charge"`)}, CanceledReason: "out of stock",
		},
	}
}

// activityResponses has the requests of goldenResponses for the operations on activities.
func activityResponses() map[string]exchange {
	return map[string]exchange{
		"startActivity":              post(activitiesPath, goldenActivity, respond("StartActivityExecution", &workflowservice.StartActivityExecutionResponse{RunId: temporalfake.RunID, Started: true})),
		"listActivities":             get(activitiesPath, respond("ListActivityExecutions", &workflowservice.ListActivityExecutionsResponse{Executions: []*activity.ActivityExecutionListInfo{goldenActivityListInfo()}})),
		"countActivities":            get(activitiesPath+":count", respond("CountActivityExecutions", &workflowservice.CountActivityExecutionsResponse{Count: 12})),
		"describeActivity":           get(activitiesPath+"/charge-1", respond("DescribeActivityExecution", goldenActivityDescription())),
		"getActivityResult":          get(activitiesPath+"/charge-1/result", respond("DescribeActivityExecution", goldenActivityDescription())),
		"cancelActivity":             post(activitiesPath+"/charge-1/cancel", `{"reason":"out of stock"}`, respond("RequestCancelActivityExecution", &workflowservice.RequestCancelActivityExecutionResponse{})),
		"terminateActivity":          post(activitiesPath+"/charge-1/terminate", `{"reason":"out of stock"}`, respond("TerminateActivityExecution", &workflowservice.TerminateActivityExecutionResponse{})),
		"heartbeatActivity":          post(activitiesPath+":heartbeat", `{"workflowId":"order","activityId":"charge","details":[{"done":1.10}]}`, respond("RecordActivityTaskHeartbeatById", &workflowservice.RecordActivityTaskHeartbeatByIdResponse{CancelRequested: true})),
		"completeActivity":           post(activitiesPath+":complete", `{"workflowId":"order","activityId":"charge","result":{"paid":1.10}}`, respond("RespondActivityTaskCompletedById", &workflowservice.RespondActivityTaskCompletedByIdResponse{})),
		"failActivity":               post(activitiesPath+":fail", `{"workflowId":"order","activityId":"charge","failure":{"message":"declined","type":"PaymentDeclined"}}`, respond("RespondActivityTaskFailedById", &workflowservice.RespondActivityTaskFailedByIdResponse{})),
		"reportActivityCancellation": post(activitiesPath+":reportCancellation", `{"workflowId":"order","activityId":"charge"}`, respond("RespondActivityTaskCanceledById", &workflowservice.RespondActivityTaskCanceledByIdResponse{})),
	}
}

// activityProblems has the requests of goldenProblems for the operations on activities.
func activityProblems() map[string]exchange {
	absent := serviceerror.NewNotFound("activity not found for ID: charge-1")
	return map[string]exchange{
		"startActivity":     post(activitiesPath, goldenActivity, failWith("StartActivityExecution", serviceerror.NewActivityExecutionAlreadyStarted("activity execution already started", "request", temporalfake.RunID))),
		"listActivities":    get(activitiesPath+"?pageSize=many", nil),
		"countActivities":   get(activitiesPath+":count", failWith("CountActivityExecutions", serviceerror.NewUnimplemented("Standalone activity is disabled"))),
		"describeActivity":  get(activitiesPath+"/charge-1", failWith("DescribeActivityExecution", absent)),
		"getActivityResult": get(activitiesPath+"/charge-1/result?runId=latest", nil),
		"cancelActivity":    post(activitiesPath+"/charge-1/cancel", "", failWith("RequestCancelActivityExecution", serviceerror.NewFailedPrecondition("activity is in terminal state ACTIVITY_EXECUTION_STATUS_COMPLETED"))),
		"terminateActivity": post(activitiesPath+"/charge-1/terminate", "", failWith("TerminateActivityExecution", absent)),
		"heartbeatActivity": post(activitiesPath+":heartbeat", `{"workflowId":"order","activityId":"charge"}`, failWith("RecordActivityTaskHeartbeatById", serviceerror.NewNotFound("workflow not found for ID: order"))),
		"completeActivity": post(activitiesPath+":complete", `{"workflowId":"order","activityId":"charge","result":1}`, failWith("RespondActivityTaskCompletedById",
			serviceerror.NewNotFound("cannot find pending activity with ActivityID charge, check workflow execution history for more details"))),
		"failActivity":               post(activitiesPath+":fail", `{"taskToken":"AAAA","failure":{"message":"","nextRetryDelay":"soon"}}`, nil),
		"reportActivityCancellation": post(activitiesPath+":reportCancellation", `{"workflowId":"order","activityId":"charge"}`, failWith("RespondActivityTaskCanceledById", serviceerror.NewNotFound("workflow execution already completed"))),
	}
}
