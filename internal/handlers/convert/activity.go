//nolint:goconst // field names and JSON names that happen to be equal
package convert

import (
	"net/url"

	"go.temporal.io/api/activity/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/payload"
	"github.com/flowgate/flowgate/internal/transcode"
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

// ActivityOutcome returns how an activity ended, or its status if it has not closed. The
// description includes the outcome.
func ActivityOutcome(activityID string, description *workflowservice.DescribeActivityExecutionResponse) *openapi.ActivityOutcome {
	rendered := &openapi.ActivityOutcome{
		ActivityID: activityID, RunID: description.GetInfo().GetRunId(), Status: EnumName(description.GetInfo().GetStatus()),
		Failure:    Failure(description.GetOutcome().GetFailure()),
		RetryState: EnumName(description.GetOutcome().GetRetryState()),
	}
	rendered.Result, rendered.ResultPayload = FirstPayload(description.GetOutcome().GetResult())
	return rendered
}

// ActivityPath returns the URL of the run of an activity without a workflow, with rest after
// the activity id.
func ActivityPath(namespace, activityID, runID, rest string) string {
	query := url.Values{}
	segment := idSegment(query, "activityId", activityID)
	if runID != "" {
		query.Set("runId", runID)
	}
	path := NamespacePath(namespace) + "/activities/" + segment + rest
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// ActivityViews render the server's responses about activities without a workflow as flat
// JSON, from wire bytes.
type ActivityViews struct {
	Description, Summary *transcode.Plan
	List                 *transcode.Plan // of summaries
}

// NewActivityViews compiles the views. This is slow, so call it once per process.
func NewActivityViews() *ActivityViews {
	plans := transcode.NewPlans()
	summary := append(activityView(), transcode.ViewField{Field: "task_queue", As: "taskQueue", Always: true})
	return &ActivityViews{
		Summary: plans.View((&activity.ActivityExecutionListInfo{}).ProtoReflect().Descriptor(), summary),
		List: plans.View((&workflowservice.ListActivityExecutionsResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "executions", As: "activities", View: summary, Always: true},
		}),
		Description: plans.View((&workflowservice.DescribeActivityExecutionResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "info", Always: true, View: append(activityView(), activityStateView()...)},
			{Field: "input", Members: AppendValues("args", "argPayloads")},
		}),
	}
}

// activityView returns the fields that lists and descriptions have in common.
func activityView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "activity_id", As: "activityId", Always: true},
		{Field: "run_id", As: "runId", Always: true},
		{Field: "activity_type", Always: true, View: []transcode.ViewField{{Field: "name", As: "activityType", Always: true}}},
		{Field: "status", As: "status", Always: true},
		{Field: "schedule_time", As: "scheduleTime", Always: true},
		{Field: "execution_time", As: "executionTime"},
		{Field: "close_time", As: "closeTime"},
		{Field: "execution_duration", As: "executionDuration"},
		{Field: "search_attributes", View: []transcode.ViewField{
			{Field: "indexed_fields", As: "searchAttributes", Value: payload.AppendSearchAttribute},
		}},
		{Field: "state_transition_count", As: "stateTransitionCount"},
		{Field: "state_size_bytes", As: "stateSizeBytes"},
	}
}

// activityStateView returns the fields that only descriptions have.
func activityStateView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "task_queue", As: "taskQueue", Always: true},
		{Field: "run_state", As: "runState"},
		{Field: "attempt", As: "attempt"},
		{Field: "schedule_to_close_timeout", As: "scheduleToCloseTimeout"},
		{Field: "schedule_to_start_timeout", As: "scheduleToStartTimeout"},
		{Field: "start_to_close_timeout", As: "startToCloseTimeout"},
		{Field: "heartbeat_timeout", As: "heartbeatTimeout"},
		{Field: "retry_policy", As: "retryPolicy", View: RetryPolicyView()},
		{Field: "heartbeat_details", Members: AppendValues("heartbeatDetails", "heartbeatDetailPayloads")},
		{Field: "last_heartbeat_time", As: "lastHeartbeatTime"},
		{Field: "total_heartbeat_count", As: "totalHeartbeatCount"},
		{Field: "last_started_time", As: "lastStartedTime"},
		{Field: "last_attempt_complete_time", As: "lastAttemptCompleteTime"},
		{Field: "next_attempt_schedule_time", As: "nextAttemptScheduleTime"},
		{Field: "current_retry_interval", As: "currentRetryInterval"},
		{Field: "expiration_time", As: "expirationTime"},
		{Field: "last_failure", As: "lastFailure", Value: renderAs(Failure)},
		{Field: "last_worker_identity", As: "lastWorkerIdentity"},
		{Field: "last_deployment_version", As: "lastDeploymentVersion", View: versionView()},
		{Field: "priority", As: "priority", View: PriorityView()},
		{Field: "user_metadata", Members: appendSummary},
		{Field: "canceled_reason", As: "cancelReason"},
		{Field: "start_delay", As: "startDelay"},
	}
}

// appendSummary appends the summary of an activity as a member of a JSON object.
func appendSummary(dst, wire []byte) ([]byte, error) {
	metadata := &sdk.UserMetadata{}
	if err := proto.Unmarshal(wire, metadata); err != nil {
		return dst, err
	}
	member, err := Marshal(struct {
		Summary string `json:"summary,omitempty"`
	}{stringPayload(metadata.GetSummary())})
	return append(dst, member[1:len(member)-1]...), err
}
