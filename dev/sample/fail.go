package sample

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// FailInput shapes the failure of Fail. The zero value fails for ever.
type FailInput struct {
	// Message replaces the failure's message.
	Message string `json:"message,omitempty"`
	// NonRetryable ends the workflow in spite of its retry policy.
	NonRetryable bool `json:"nonRetryable,omitempty"`
	// Attempts is how many attempts fail before one succeeds; 0 means all. It needs a retry policy, which is the
	// starter's to give.
	Attempts int `json:"attempts,omitempty"`
}

// FailureDetails travel with every failure of Fail, at the top and at the root of the chain.
type FailureDetails struct {
	Attempt int `json:"attempt"`
}

// Fail ends in an application failure of type SampleFailure, caused by one of type Middle, caused by one of type Root.
func Fail(ctx workflow.Context, input FailInput) (string, error) {
	attempt := int(workflow.GetInfo(ctx).Attempt)
	if input.Attempts > 0 && attempt > input.Attempts {
		return fmt.Sprintf("succeeded at attempt %d", attempt), nil
	}
	message := input.Message
	if message == "" {
		message = "the sample failed, as it was asked to"
	}
	details := FailureDetails{Attempt: attempt}
	root := temporal.NewApplicationError("the root of the matter", "Root", details)
	return "", temporal.NewApplicationErrorWithOptions(message, "SampleFailure", temporal.ApplicationErrorOptions{
		NonRetryable: input.NonRetryable,
		Cause:        temporal.NewApplicationErrorWithCause("something in the middle", "Middle", root),
		Details:      []any{details, "a second detail"},
	})
}
