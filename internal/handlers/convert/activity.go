package convert

import (
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// StartActivityRequest returns the request that an SDK would send to start an activity without
// a workflow. It never requests eager execution, because the gateway hosts no worker.
func StartActivityRequest(stamp Stamp, body *openapi.StartActivityRequest) (*workflowservice.StartActivityExecutionRequest, error) {
	var v Validation
	v.CheckID("/activityType", body.ActivityType)
	v.CheckID("/activityId", body.ActivityID)
	v.CheckID("/taskQueue", body.TaskQueue)
	request := &workflowservice.StartActivityExecutionRequest{
		Namespace:              stamp.Namespace,
		Identity:               stamp.Identity,
		RequestId:              stamp.RequestID,
		ActivityId:             body.ActivityID,
		ActivityType:           &common.ActivityType{Name: body.ActivityType},
		TaskQueue:              &taskqueue.TaskQueue{Name: body.TaskQueue},
		ScheduleToCloseTimeout: v.Duration("/scheduleToCloseTimeout", body.ScheduleToCloseTimeout),
		ScheduleToStartTimeout: v.Duration("/scheduleToStartTimeout", body.ScheduleToStartTimeout),
		StartToCloseTimeout:    v.Duration("/startToCloseTimeout", body.StartToCloseTimeout),
		HeartbeatTimeout:       v.Duration("/heartbeatTimeout", body.HeartbeatTimeout),
		RetryPolicy:            v.retryPolicy(body.RetryPolicy),
		Input:                  v.Payloads("/args", body.Args, "/argPayloads", body.ArgPayloads),
		IdReusePolicy:          Enum[enums.ActivityIdReusePolicy](&v, "/idReusePolicy", string(body.IDReusePolicy)),
		IdConflictPolicy:       Enum[enums.ActivityIdConflictPolicy](&v, "/idConflictPolicy", string(body.IDConflictPolicy)),
		SearchAttributes:       v.SearchAttributes(body.SearchAttributes),
		Header:                 stamp.Header,
		UserMetadata:           userMetadata(body.Summary, ""),
		Priority:               v.priority("/priority", body.Priority),
		StartDelay:             v.Duration("/startDelay", body.StartDelay),
	}
	if request.GetStartToCloseTimeout().AsDuration() == 0 && request.GetScheduleToCloseTimeout().AsDuration() == 0 {
		v.Add("/startToCloseTimeout", "is required, or scheduleToCloseTimeout")
	}
	return request, v.Err()
}
