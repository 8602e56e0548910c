package sample

import (
	"fmt"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

// The names of the queries, signals and updates of Wait.
const (
	FinishSignal = "finish"
	PokeSignal   = "poke"
	StateQuery   = "state"
	SignalsQuery = "signals"
	EchoQuery    = "echo"
	EchoUpdate   = "echo"
)

// Wait completes when it receives the signal finish, and returns the signal's value unchanged. It counts the signals
// that it receives; the signal poke has no other effect. The query and the update named echo return their argument
// unchanged.
func Wait(ctx workflow.Context) (any, error) {
	state, signals := "waiting", 0
	if err := registerQueryAndUpdateHandlers(ctx, &state, &signals); err != nil {
		return nil, err
	}
	pokes := workflow.GetSignalChannelWithOptions(ctx, PokeSignal, workflow.SignalChannelOptions{
		Description: "Increments the count of signals.",
	})
	handleSignals(ctx, pokes, func(converter.RawValue) { signals++ })

	var finish *converter.RawValue
	finishes := workflow.GetSignalChannelWithOptions(ctx, FinishSignal, workflow.SignalChannelOptions{
		Description: "Ends the workflow with the signal's value as its result.",
	})
	handleSignals(ctx, finishes, func(value converter.RawValue) {
		signals++
		if finish == nil {
			finish = &value
		}
	})
	if err := workflow.Await(ctx, func() bool { return finish != nil }); err != nil {
		return nil, err
	}
	state = "finished"
	return unchanged(*finish), nil
}

func registerQueryAndUpdateHandlers(ctx workflow.Context, state *string, signals *int) error {
	queries := []queryHandler{
		{StateQuery, "Returns waiting or finished.", func() (string, error) { return *state, nil }},
		{SignalsQuery, "Returns the number of received signals.", func() (int, error) { return *signals, nil }},
		{EchoQuery, "Returns its argument.", func(value converter.RawValue) (any, error) { return unchanged(value), nil }},
	}
	if err := setQueryHandlers(ctx, queries); err != nil {
		return err
	}
	echo := func(_ workflow.Context, value converter.RawValue) (any, error) { return unchanged(value), nil }
	options := workflow.UpdateHandlerOptions{Description: "Returns its argument."}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, EchoUpdate, echo, options); err != nil {
		return fmt.Errorf("handle update %s: %w", EchoUpdate, err)
	}
	return nil
}
