package handlers

import (
	"github.com/go-json-experiment/json"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/transcode"
)

// payloadsEach is the number of the one field of temporal.api.common.v1.Payloads.
const payloadsEach = 1

// callback shows what is called when a workflow has ended.
func callback(c *workflow.CallbackInfo) openapi.WorkflowCallback {
	return openapi.WorkflowCallback{
		State: enumName(c.GetState()), Attempt: c.GetAttempt(), BlockedReason: c.GetBlockedReason(),
		RegistrationTime:        formatTime(c.GetRegistrationTime()),
		LastAttemptCompleteTime: formatTime(c.GetLastAttemptCompleteTime()),
		LastAttemptFailure:      renderFailure(c.GetLastAttemptFailure()),
		NextAttemptScheduleTime: formatTime(c.GetNextAttemptScheduleTime()),
	}
}

func pendingActivityView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "activity_id", As: "activityId", Always: true},
		{Field: "activity_type", Always: true, View: []transcode.ViewField{{Field: "name", As: "activityType", Always: true}}},
		{Field: "state", As: "state", Always: true},
		{Field: "attempt", As: "attempt", Always: true},
		{Field: "maximum_attempts", As: "maximumAttempts"},
		{Field: "current_retry_interval", As: "currentRetryInterval"},
		{Field: "expiration_time", As: "expirationTime"},
		{Field: "heartbeat_details", Members: appendHeartbeatDetails},
		{Field: "last_attempt_complete_time", As: "lastAttemptCompleteTime"},
		{Field: "last_deployment_version", As: "lastDeploymentVersion", View: versionView()},
		{Field: "last_failure", As: "lastFailure", Value: rendered(renderFailure)},
		{Field: "last_heartbeat_time", As: "lastHeartbeatTime"},
		{Field: "last_started_time", As: "lastStartedTime"},
		{Field: "last_worker_identity", As: "lastWorkerIdentity"},
		{Field: "next_attempt_schedule_time", As: "nextAttemptScheduleTime"},
		{Field: "pause_info", As: "pause", View: []transcode.ViewField{
			{Field: "pause_time", As: "time"},
			{Field: "manual", View: []transcode.ViewField{{Field: "identity", As: "identity"}, {Field: "reason", As: "reason"}}},
			{Field: "rule", View: []transcode.ViewField{{Field: "rule_id", As: "ruleId"}, {Field: "reason", As: "reason"}}},
		}},
		{Field: "paused", As: "paused"},
		{Field: "priority", As: "priority", View: priorityView()},
		{Field: "scheduled_time", As: "scheduledTime"},
		{Field: "activity_options", View: []transcode.ViewField{
			{Field: "heartbeat_timeout", As: "heartbeatTimeout"},
			{Field: "retry_policy", As: "retryPolicy", View: retryPolicyView()},
			{Field: "schedule_to_close_timeout", As: "scheduleToCloseTimeout"},
			{Field: "schedule_to_start_timeout", As: "scheduleToStartTimeout"},
			{Field: "start_to_close_timeout", As: "startToCloseTimeout"},
			{Field: "task_queue", View: []transcode.ViewField{{Field: "name", As: "taskQueue"}}},
		}},
	}
}

func retryPolicyView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "backoff_coefficient", As: "backoffCoefficient", Always: true},
		{Field: "initial_interval", As: "initialInterval"},
		{Field: "maximum_attempts", As: "maximumAttempts", Always: true},
		{Field: "maximum_interval", As: "maximumInterval"},
		{Field: "non_retryable_error_types", As: "nonRetryableErrorTypes"},
	}
}

// appendHeartbeatDetails shows them as values when all of them are plain, else
// all of them whole.
func appendHeartbeatDetails(dst, wire []byte) ([]byte, error) {
	before := len(dst)
	dst = append(dst, `"heartbeatDetails":[`...)
	begin := len(dst)
	for number, each := range transcode.Fields(wire) {
		if number != payloadsEach {
			continue
		}
		if len(dst) > begin {
			dst = append(dst, ',')
		}
		var err error
		if dst, _, err = plainValue(dst, each); err != nil {
			return appendWholeDetails(dst[:before], wire)
		}
	}
	if len(dst) == begin {
		return dst[:before], nil
	}
	return append(dst, ']'), nil
}

func appendWholeDetails(dst, wire []byte) ([]byte, error) {
	details := &common.Payloads{}
	if err := proto.Unmarshal(wire, details); err != nil {
		return dst, err
	}
	text, err := json.Marshal(rawPayloads(details), jsonOptions())
	return append(append(dst, `"heartbeatDetailPayloads":`...), text...), err
}

func pendingNexusOperation(o *workflow.PendingNexusOperationInfo) openapi.PendingNexusOperation {
	shown := openapi.PendingNexusOperation{
		Endpoint: o.GetEndpoint(), Service: o.GetService(), Operation: o.GetOperation(), OperationToken: o.GetOperationToken(),
		State: enumName(o.GetState()), Attempt: o.GetAttempt(), BlockedReason: o.GetBlockedReason(),
		ScheduledEventID: o.GetScheduledEventId(), ScheduledTime: formatTime(o.GetScheduledTime()),
		LastAttemptCompleteTime: formatTime(o.GetLastAttemptCompleteTime()),
		LastAttemptFailure:      renderFailure(o.GetLastAttemptFailure()),
		NextAttemptScheduleTime: formatTime(o.GetNextAttemptScheduleTime()),
		ScheduleToCloseTimeout:  formatDuration(o.GetScheduleToCloseTimeout()),
		ScheduleToStartTimeout:  formatDuration(o.GetScheduleToStartTimeout()),
		StartToCloseTimeout:     formatDuration(o.GetStartToCloseTimeout()),
	}
	if c := o.GetCancellationInfo(); c != nil {
		shown.Cancellation = &openapi.NexusCancellation{
			State: enumName(c.GetState()), Attempt: c.GetAttempt(), BlockedReason: c.GetBlockedReason(),
			RequestedTime: formatTime(c.GetRequestedTime()), LastAttemptCompleteTime: formatTime(c.GetLastAttemptCompleteTime()),
			LastAttemptFailure:      renderFailure(c.GetLastAttemptFailure()),
			NextAttemptScheduleTime: formatTime(c.GetNextAttemptScheduleTime()),
		}
	}
	return shown
}
