package sample

import (
	"fmt"

	"go.temporal.io/sdk/workflow"
)

// queryHandler is a query handler with the description for the workflow's metadata.
type queryHandler struct {
	name        string
	description string
	handle      any
}

func setQueryHandlers(ctx workflow.Context, queries []queryHandler) error {
	for _, query := range queries {
		options := workflow.QueryHandlerOptions{Description: query.description}
		if err := workflow.SetQueryHandlerWithOptions(ctx, query.name, query.handle, options); err != nil {
			return fmt.Errorf("handle query %s: %w", query.name, err)
		}
	}
	return nil
}

// handleSignals calls handle with every value that channel receives while the workflow runs. The SDK delivers all
// signals of a workflow task before the main coroutine continues, so no signal is lost if the main coroutine then ends
// the run.
func handleSignals[T any](ctx workflow.Context, channel workflow.ReceiveChannel, handle func(T)) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var value T
			channel.Receive(ctx, &value)
			handle(value)
		}
	})
}
