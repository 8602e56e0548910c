package sample

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// SleepInput says how long Sleep lasts; fractions of a second count.
type SleepInput struct {
	Seconds float64 `json:"seconds"`
}

// Sleep ends after a durable timer: a workflow whose result a caller has to wait for.
func Sleep(ctx workflow.Context, input SleepInput) (string, error) {
	if err := workflow.Sleep(ctx, time.Duration(input.Seconds*float64(time.Second))); err != nil {
		return "", err
	}
	return "slept", nil
}
