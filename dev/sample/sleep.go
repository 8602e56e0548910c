package sample

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// SleepInput is the input of Sleep.
type SleepInput struct {
	// Seconds is the duration of the timer. It may have a fraction.
	Seconds float64 `json:"seconds"`
}

// Sleep completes after a durable timer, so that a caller has to wait for its result.
func Sleep(ctx workflow.Context, input SleepInput) (string, error) {
	if err := workflow.Sleep(ctx, time.Duration(input.Seconds*float64(time.Second))); err != nil {
		return "", err
	}
	return "slept", nil
}
