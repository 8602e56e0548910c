package convert

import (
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/transcode"
)

// payloadsField is the number of the field payloads in temporal.api.common.v1.Payloads.
const payloadsField = 1

// renderCallback returns a completion callback of a workflow.
func renderCallback(c *workflow.CallbackInfo) openapi.WorkflowCallback {
	return openapi.WorkflowCallback{
		State: EnumName(c.GetState()), Attempt: c.GetAttempt(), BlockedReason: c.GetBlockedReason(),
		RegistrationTime:        FormatTime(c.GetRegistrationTime()),
		LastAttemptCompleteTime: FormatTime(c.GetLastAttemptCompleteTime()),
		LastAttemptFailure:      Failure(c.GetLastAttemptFailure()),
		NextAttemptScheduleTime: FormatTime(c.GetNextAttemptScheduleTime()),
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
		{Field: "heartbeat_details", Members: AppendValues("heartbeatDetails", "heartbeatDetailPayloads")},
		{Field: "last_attempt_complete_time", As: "lastAttemptCompleteTime"},
		{Field: "last_deployment_version", As: "lastDeploymentVersion", View: VersionView()},
		{Field: "last_failure", As: "lastFailure", Value: RenderAs(Failure)},
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
		{Field: "priority", As: "priority", View: PriorityView()},
		{Field: "scheduled_time", As: "scheduledTime"},
		{Field: "activity_options", View: []transcode.ViewField{
			{Field: "heartbeat_timeout", As: "heartbeatTimeout"},
			{Field: "retry_policy", As: "retryPolicy", View: RetryPolicyView()},
			{Field: "schedule_to_close_timeout", As: "scheduleToCloseTimeout"},
			{Field: "schedule_to_start_timeout", As: "scheduleToStartTimeout"},
			{Field: "start_to_close_timeout", As: "startToCloseTimeout"},
			{Field: "task_queue", View: []transcode.ViewField{{Field: "name", As: "taskQueue"}}},
		}},
	}
}

// AppendValues returns a function for [transcode.ViewField.Members] that appends a list of
// payloads as the member plain if every payload is plain JSON, otherwise all of them with
// their metadata as the member payloads. It appends nothing for an empty list.
func AppendValues(plain, payloads string) func(dst, wire []byte) ([]byte, error) {
	return func(dst, wire []byte) ([]byte, error) {
		before := len(dst)
		dst = append(dst, `"`+plain+`":[`...)
		begin := len(dst)
		for number, value := range transcode.Fields(wire) {
			if number != payloadsField {
				continue
			}
			if len(dst) > begin {
				dst = append(dst, ',')
			}
			var err error
			if dst, _, err = plainValue(dst, value); err != nil {
				return appendPayloads(dst[:before], payloads, wire)
			}
		}
		if len(dst) == begin {
			return dst[:before], nil
		}
		return append(dst, ']'), nil
	}
}

func appendPayloads(dst []byte, name string, wire []byte) ([]byte, error) {
	list := &common.Payloads{}
	if err := proto.Unmarshal(wire, list); err != nil {
		return dst, err
	}
	text, err := Marshal(rawPayloads(list))
	return append(append(dst, `"`+name+`":`...), text...), err
}

func renderPendingNexusOperation(o *workflow.PendingNexusOperationInfo) openapi.PendingNexusOperation {
	rendered := openapi.PendingNexusOperation{
		Endpoint: o.GetEndpoint(), Service: o.GetService(), Operation: o.GetOperation(), OperationToken: o.GetOperationToken(),
		State: EnumName(o.GetState()), Attempt: o.GetAttempt(), BlockedReason: o.GetBlockedReason(),
		ScheduledEventID: o.GetScheduledEventId(), ScheduledTime: FormatTime(o.GetScheduledTime()),
		LastAttemptCompleteTime: FormatTime(o.GetLastAttemptCompleteTime()),
		LastAttemptFailure:      Failure(o.GetLastAttemptFailure()),
		NextAttemptScheduleTime: FormatTime(o.GetNextAttemptScheduleTime()),
		ScheduleToCloseTimeout:  FormatDuration(o.GetScheduleToCloseTimeout()),
		ScheduleToStartTimeout:  FormatDuration(o.GetScheduleToStartTimeout()),
		StartToCloseTimeout:     FormatDuration(o.GetStartToCloseTimeout()),
	}
	if c := o.GetCancellationInfo(); c != nil {
		rendered.Cancellation = &openapi.NexusCancellation{
			State: EnumName(c.GetState()), Attempt: c.GetAttempt(), BlockedReason: c.GetBlockedReason(),
			RequestedTime: FormatTime(c.GetRequestedTime()), LastAttemptCompleteTime: FormatTime(c.GetLastAttemptCompleteTime()),
			LastAttemptFailure:      Failure(c.GetLastAttemptFailure()),
			NextAttemptScheduleTime: FormatTime(c.GetNextAttemptScheduleTime()),
		}
	}
	return rendered
}
