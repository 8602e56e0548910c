package sample

import (
	"fmt"

	"go.temporal.io/sdk/workflow"
)

// handler is a query handler with its description in the workflow's metadata.
type handler struct {
	name        string
	description string
	handle      any
}

func setQueryHandlers(ctx workflow.Context, queries []handler) error {
	for _, query := range queries {
		options := workflow.QueryHandlerOptions{Description: query.description}
		if err := workflow.SetQueryHandlerWithOptions(ctx, query.name, query.handle, options); err != nil {
			return fmt.Errorf("handle query %s: %w", query.name, err)
		}
	}
	return nil
}

// listen calls handle with every signal of channel while the workflow runs. All signals of a workflow task are handled
// before the main coroutine sees their effects, so no signal is lost when it then ends the run.
func listen[T any](ctx workflow.Context, channel workflow.ReceiveChannel, handle func(T)) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var value T
			channel.Receive(ctx, &value)
			handle(value)
		}
	})
}
