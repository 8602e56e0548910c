package sample

import "go.temporal.io/sdk/workflow"

// ChainInput is the input of Chain.
type ChainInput struct {
	// Times is the number of times that Chain will continue as new.
	Times int `json:"times"`
	// Done is the number of times that Chain has continued as new. Callers omit it.
	Done int `json:"done,omitempty"`
}

// Chain continues as new the given number of times. The last run returns the number of runs, so a caller must
// follow the run chain to receive the result.
func Chain(ctx workflow.Context, input ChainInput) (int, error) {
	if input.Times <= 0 {
		return input.Done + 1, nil
	}
	return 0, workflow.NewContinueAsNewError(ctx, Chain, ChainInput{Times: input.Times - 1, Done: input.Done + 1})
}
