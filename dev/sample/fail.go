package sample

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// FailInput is the input of Fail. With the zero value, every attempt fails.
type FailInput struct {
	// Message is the failure's message; empty means a default message.
	Message string `json:"message,omitempty"`
	// NonRetryable makes the failure non-retryable.
	NonRetryable bool `json:"nonRetryable,omitempty"`
	// Attempts is the number of attempts that fail before one succeeds; 0 means that all fail. A value above 0 requires a
	// retry policy in the start options.
	Attempts int `json:"attempts,omitempty"`
}

// FailureDetails are the details of the SampleFailure and of the Root failure that Fail returns.
type FailureDetails struct {
	Attempt int `json:"attempt"`
}

// Fail fails with an application failure of type SampleFailure, caused by one of type Middle, caused by one of type
// Root.
func Fail(ctx workflow.Context, input FailInput) (string, error) {
	attempt := int(workflow.GetInfo(ctx).Attempt)
	if input.Attempts > 0 && attempt > input.Attempts {
		return fmt.Sprintf("succeeded at attempt %d", attempt), nil
	}
	message := input.Message
	if message == "" {
		message = "the sample failed on request"
	}
	details := FailureDetails{Attempt: attempt}
	root := temporal.NewApplicationError("the root of the matter", "Root", details)
	return "", temporal.NewApplicationErrorWithOptions(message, "SampleFailure", temporal.ApplicationErrorOptions{
		NonRetryable: input.NonRetryable,
		Cause:        temporal.NewApplicationErrorWithCause("something in the middle", "Middle", root),
		Details:      []any{details, "a second detail"},
	})
}
