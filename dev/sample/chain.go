package sample

import "go.temporal.io/sdk/workflow"

// ChainInput says how often Chain still continues as new, and how often it already did.
type ChainInput struct {
	Times int `json:"times"`
	Done  int `json:"done,omitempty"`
}

// Chain continues as new and returns, in its last run, how many runs there were: a workflow whose result is found only
// by those who follow its runs.
func Chain(ctx workflow.Context, input ChainInput) (int, error) {
	if input.Times <= 0 {
		return input.Done + 1, nil
	}
	return 0, workflow.NewContinueAsNewError(ctx, Chain, ChainInput{Times: input.Times - 1, Done: input.Done + 1})
}
