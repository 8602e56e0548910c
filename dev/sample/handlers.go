package sample

import (
	"fmt"

	"go.temporal.io/sdk/workflow"
)

// handler is a query with the description that the workflow's metadata shows.
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

// listen calls handle with every signal of channel for as long as the workflow runs. All signals of a workflow task have
// been handled by the time the workflow's main coroutine sees their effects, so none is lost when it then ends the run.
func listen[T any](ctx workflow.Context, channel workflow.ReceiveChannel, handle func(T)) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var value T
			channel.Receive(ctx, &value)
			handle(value)
		}
	})
}
