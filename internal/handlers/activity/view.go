package activity

import (
	"go.temporal.io/api/activity/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/payload"
	"github.com/flowgate/flowgate/internal/transcode"
)

// views render the server's responses about activities without a workflow as flat
// JSON, from wire bytes.
type views struct {
	description, summary *transcode.Plan
	list                 *transcode.Plan // of summaries
}

// newViews compiles the views. This is slow, so call it once per process.
func newViews() *views {
	plans := transcode.NewPlans()
	summary := append(activityView(), transcode.ViewField{Field: "task_queue", As: "taskQueue", Always: true})
	return &views{
		summary: plans.View((&activity.ActivityExecutionListInfo{}).ProtoReflect().Descriptor(), summary),
		list: plans.View((&workflowservice.ListActivityExecutionsResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "executions", As: "activities", View: summary, Always: true},
		}),
		description: plans.View((&workflowservice.DescribeActivityExecutionResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "info", Always: true, View: append(activityView(), activityStateView()...)},
			{Field: "input", Members: convert.AppendValues("args", "argPayloads")},
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
		{Field: "retry_policy", As: "retryPolicy", View: convert.RetryPolicyView()},
		{Field: "heartbeat_details", Members: convert.AppendValues("heartbeatDetails", "heartbeatDetailPayloads")},
		{Field: "last_heartbeat_time", As: "lastHeartbeatTime"},
		{Field: "total_heartbeat_count", As: "totalHeartbeatCount"},
		{Field: "last_started_time", As: "lastStartedTime"},
		{Field: "last_attempt_complete_time", As: "lastAttemptCompleteTime"},
		{Field: "next_attempt_schedule_time", As: "nextAttemptScheduleTime"},
		{Field: "current_retry_interval", As: "currentRetryInterval"},
		{Field: "expiration_time", As: "expirationTime"},
		{Field: "last_failure", As: "lastFailure", Value: convert.RenderAs(convert.Failure)},
		{Field: "last_worker_identity", As: "lastWorkerIdentity"},
		{Field: "last_deployment_version", As: "lastDeploymentVersion", View: convert.VersionView()},
		{Field: "priority", As: "priority", View: convert.PriorityView()},
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
	member, err := convert.Marshal(struct {
		Summary string `json:"summary,omitempty"`
	}{convert.StringPayload(metadata.GetSummary())})
	return append(dst, member[1:len(member)-1]...), err
}
