package sample

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// SleepInput is the duration of Sleep, with fractions of a second.
type SleepInput struct {
	Seconds float64 `json:"seconds"`
}

// Sleep completes after a durable timer, so that a caller has to wait for its result.
func Sleep(ctx workflow.Context, input SleepInput) (string, error) {
	if err := workflow.Sleep(ctx, time.Duration(input.Seconds*float64(time.Second))); err != nil {
		return "", err
	}
	return "slept", nil
}
