package sample

import "go.temporal.io/sdk/workflow"

// ChainInput is the number of times that Chain still continues as new, and the number of times that it has done so.
type ChainInput struct {
	Times int `json:"times"`
	Done  int `json:"done,omitempty"`
}

// Chain continues as new and returns the number of runs in its last run. A caller must follow the runs to find the
// result.
func Chain(ctx workflow.Context, input ChainInput) (int, error) {
	if input.Times <= 0 {
		return input.Done + 1, nil
	}
	return 0, workflow.NewContinueAsNewError(ctx, Chain, ChainInput{Times: input.Times - 1, Done: input.Done + 1})
}
