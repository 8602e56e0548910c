package handlers

import (
	"cmp"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
)

// callback shows what is called when a workflow has ended.
func callback(c *workflow.CallbackInfo) WorkflowCallback {
	return WorkflowCallback{
		State: enumName(c.GetState()), Attempt: c.GetAttempt(), BlockedReason: c.GetBlockedReason(),
		RegistrationTime:        shownTime(c.GetRegistrationTime()),
		LastAttemptCompleteTime: shownTime(c.GetLastAttemptCompleteTime()),
		LastAttemptFailure:      shownFailure(c.GetLastAttemptFailure()),
		NextAttemptScheduleTime: shownTime(c.GetNextAttemptScheduleTime()),
	}
}

func pendingActivity(a *workflow.PendingActivityInfo) PendingActivity {
	options := a.GetActivityOptions()
	shown := PendingActivity{
		ActivityID: a.GetActivityId(), ActivityType: a.GetActivityType().GetName(), State: enumName(a.GetState()),
		Attempt: a.GetAttempt(), MaximumAttempts: a.GetMaximumAttempts(),
		ScheduledTime: shownTime(a.GetScheduledTime()), ExpirationTime: shownTime(a.GetExpirationTime()),
		LastStartedTime: shownTime(a.GetLastStartedTime()), LastHeartbeatTime: shownTime(a.GetLastHeartbeatTime()),
		LastAttemptCompleteTime: shownTime(a.GetLastAttemptCompleteTime()),
		NextAttemptScheduleTime: shownTime(a.GetNextAttemptScheduleTime()),
		CurrentRetryInterval:    shownDuration(a.GetCurrentRetryInterval()),
		LastFailure:             shownFailure(a.GetLastFailure()), LastWorkerIdentity: a.GetLastWorkerIdentity(),
		LastDeploymentVersion: version(a.GetLastDeploymentVersion()),
		Priority:              shownPriority(a.GetPriority()), Paused: a.GetPaused(),
		TaskQueue:              options.GetTaskQueue().GetName(),
		ScheduleToCloseTimeout: shownDuration(options.GetScheduleToCloseTimeout()),
		ScheduleToStartTimeout: shownDuration(options.GetScheduleToStartTimeout()),
		StartToCloseTimeout:    shownDuration(options.GetStartToCloseTimeout()),
		HeartbeatTimeout:       shownDuration(options.GetHeartbeatTimeout()),
		RetryPolicy:            shownRetryPolicy(options.GetRetryPolicy()),
	}
	shown.HeartbeatDetails, shown.HeartbeatDetailPayloads = shownAll(a.GetHeartbeatDetails())
	if pause := a.GetPauseInfo(); pause != nil {
		shown.Pause = &Pause{
			Time: shownTime(pause.GetPauseTime()), Identity: pause.GetManual().GetIdentity(),
			Reason: cmp.Or(pause.GetManual().GetReason(), pause.GetRule().GetReason()), RuleID: pause.GetRule().GetRuleId(),
		}
	}
	return shown
}

func pendingNexusOperation(o *workflow.PendingNexusOperationInfo) PendingNexusOperation {
	shown := PendingNexusOperation{
		Endpoint: o.GetEndpoint(), Service: o.GetService(), Operation: o.GetOperation(), OperationToken: o.GetOperationToken(),
		State: enumName(o.GetState()), Attempt: o.GetAttempt(), BlockedReason: o.GetBlockedReason(),
		ScheduledEventID: o.GetScheduledEventId(), ScheduledTime: shownTime(o.GetScheduledTime()),
		LastAttemptCompleteTime: shownTime(o.GetLastAttemptCompleteTime()),
		LastAttemptFailure:      shownFailure(o.GetLastAttemptFailure()),
		NextAttemptScheduleTime: shownTime(o.GetNextAttemptScheduleTime()),
		ScheduleToCloseTimeout:  shownDuration(o.GetScheduleToCloseTimeout()),
		ScheduleToStartTimeout:  shownDuration(o.GetScheduleToStartTimeout()),
		StartToCloseTimeout:     shownDuration(o.GetStartToCloseTimeout()),
	}
	if c := o.GetCancellationInfo(); c != nil {
		shown.Cancellation = &NexusCancellation{
			State: enumName(c.GetState()), Attempt: c.GetAttempt(), BlockedReason: c.GetBlockedReason(),
			RequestedTime: shownTime(c.GetRequestedTime()), LastAttemptCompleteTime: shownTime(c.GetLastAttemptCompleteTime()),
			LastAttemptFailure:      shownFailure(c.GetLastAttemptFailure()),
			NextAttemptScheduleTime: shownTime(c.GetNextAttemptScheduleTime()),
		}
	}
	return shown
}

func shownRetryPolicy(policy *common.RetryPolicy) *RetryPolicy {
	if policy == nil {
		return nil
	}
	coefficient, attempts := policy.GetBackoffCoefficient(), policy.GetMaximumAttempts()
	return &RetryPolicy{
		InitialInterval: shownDuration(policy.GetInitialInterval()), MaximumInterval: shownDuration(policy.GetMaximumInterval()),
		BackoffCoefficient: &coefficient, MaximumAttempts: &attempts, NonRetryableErrorTypes: policy.GetNonRetryableErrorTypes(),
	}
}
