package sample

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// ApproveActivity is the name and the id of the activity of Approval and ObserveFailure.
const ApproveActivity = "approve"

// ApprovalTask is the last heartbeat of an activity approve that waits to be completed from outside of the worker.
type ApprovalTask struct {
	// TaskToken is the task token in base64.
	TaskToken string `json:"taskToken"`
}

// WorkerFailure describes an application failure for the activity approve to return.
type WorkerFailure struct {
	Message        string         `json:"message"`
	Type           string         `json:"type,omitempty"`
	NonRetryable   bool           `json:"nonRetryable,omitempty"`
	Details        []any          `json:"details,omitempty"`
	NextRetryDelay string         `json:"nextRetryDelay,omitempty"`
	Benign         bool           `json:"benign,omitempty"`
	Cause          *WorkerFailure `json:"cause,omitempty"`
}

// Approval executes the activity approve once and returns its result unchanged, or its error.
func Approval(ctx workflow.Context) (any, error) {
	var result converter.RawValue
	if err := approveOnce(ctx, nil).Get(ctx, &result); err != nil {
		return nil, err
	}
	return unchanged(result), nil
}

// maxObservedDetails is the number of details that ObserveFailure decodes. The SDK leaves the missing ones unset.
const maxObservedDetails = 3

// ObservedFailure is what the workflow ObserveFailure found in the error of its activity.
type ObservedFailure struct {
	ActivityType   string           `json:"activityType,omitempty"`
	ActivityID     string           `json:"activityId,omitempty"`
	RetryState     string           `json:"retryState,omitempty"`
	Message        string           `json:"message"`
	Type           string           `json:"type"`
	NonRetryable   bool             `json:"nonRetryable"`
	Details        []any            `json:"details,omitempty"`
	NextRetryDelay string           `json:"nextRetryDelay"`
	Benign         bool             `json:"benign"`
	Cause          *ObservedFailure `json:"cause,omitempty"`
}

// ObserveFailure executes the activity approve once and returns what it finds in the activity's error. With a failure,
// the worker returns that failure; without one, the activity is failed from outside.
func ObserveFailure(ctx workflow.Context, failure *WorkerFailure) (*ObservedFailure, error) {
	err := approveOnce(ctx, failure).Get(ctx, nil)
	var activityError *temporal.ActivityError
	if !errors.As(err, &activityError) {
		return nil, temporal.NewApplicationErrorWithCause("the activity returned no activity error", "Unexpected", err)
	}
	observed := observe(errors.Unwrap(activityError))
	if observed == nil {
		return nil, temporal.NewApplicationErrorWithCause("the cause is no application error", "Unexpected", err)
	}
	observed.ActivityType, observed.ActivityID = activityError.ActivityType().GetName(), activityError.ActivityID()
	observed.RetryState = activityError.RetryState().String()
	return observed, nil
}

// observe returns what an application error and its causes contain, or nil for another error.
func observe(err error) *ObservedFailure {
	var application *temporal.ApplicationError
	if !errors.As(err, &application) {
		return nil
	}
	observed := &ObservedFailure{
		Message: application.Message(), Type: application.Type(), NonRetryable: application.NonRetryable(),
		NextRetryDelay: application.NextRetryDelay().String(),
		Benign:         application.Category() == temporal.ApplicationErrorCategoryBenign,
		Cause:          observe(errors.Unwrap(application)),
	}
	if application.HasDetails() {
		observed.Details = make([]any, maxObservedDetails)
		pointers := make([]any, maxObservedDetails)
		for i := range pointers {
			pointers[i] = &observed.Details[i]
		}
		if err := application.Details(pointers...); err != nil {
			observed.Details = []any{err.Error()}
		}
	}
	return observed
}

func approveOnce(ctx workflow.Context, failure *WorkerFailure) workflow.Future {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ActivityID: ApproveActivity, StartToCloseTimeout: time.Hour, WaitForCancellation: true,
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	return workflow.ExecuteActivity(ctx, ApproveActivity, failure)
}

// approve returns the failure, if there is one. Otherwise it stays open until it is completed from outside, and its
// heartbeat contains its task token.
func approve(ctx context.Context, failure *WorkerFailure) error {
	if failure != nil {
		return failure.error()
	}
	activity.RecordHeartbeat(ctx, ApprovalTask{TaskToken: base64.StdEncoding.EncodeToString(activity.GetInfo(ctx).TaskToken)})
	return activity.ErrResultPending
}

func (f *WorkerFailure) error() error {
	if f == nil {
		return nil
	}
	delay, err := time.ParseDuration(f.NextRetryDelay)
	if f.NextRetryDelay != "" && err != nil {
		return err
	}
	options := temporal.ApplicationErrorOptions{
		NonRetryable: f.NonRetryable, Details: f.Details, NextRetryDelay: delay, Cause: f.Cause.error(),
	}
	if f.Benign {
		options.Category = temporal.ApplicationErrorCategoryBenign
	}
	return temporal.NewApplicationErrorWithOptions(f.Message, f.Type, options)
}
