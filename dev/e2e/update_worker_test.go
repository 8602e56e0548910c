package e2e_test

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	sdkworkflow "go.temporal.io/sdk/workflow"
)

// ledgerWorkflow keeps a sum. The update "add" adds its argument immediately and fails if the argument is above 100;
// "addLater" does so after the signal "go". Both reject arguments that are not positive. After the signal "next", the
// workflow continues as new with its sum.
func ledgerWorkflow(ctx sdkworkflow.Context, sum int) error {
	released, next := false, false
	positive := sdkworkflow.UpdateHandlerOptions{Validator: func(_ sdkworkflow.Context, n int) error {
		if n <= 0 {
			return fmt.Errorf("%d is not positive", n)
		}
		return nil
	}}
	add := func(_ sdkworkflow.Context, n int) (int, error) {
		if n > 100 {
			return 0, temporal.NewApplicationError("too much at once", "TooMuch", n)
		}
		sum += n
		return sum, nil
	}
	addLater := func(ctx sdkworkflow.Context, n int) (int, error) {
		if err := sdkworkflow.Await(ctx, func() bool { return released }); err != nil {
			return 0, err
		}
		return add(ctx, n)
	}
	err := errors.Join(
		sdkworkflow.SetUpdateHandlerWithOptions(ctx, "add", add, positive),
		sdkworkflow.SetUpdateHandlerWithOptions(ctx, "addLater", addLater, positive),
	)
	if err != nil {
		return err
	}
	sdkworkflow.Go(ctx, func(ctx sdkworkflow.Context) {
		sdkworkflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
		released = true
	})
	sdkworkflow.Go(ctx, func(ctx sdkworkflow.Context) {
		sdkworkflow.GetSignalChannel(ctx, "next").Receive(ctx, nil)
		next = true
	})
	if err := sdkworkflow.Await(ctx, func() bool { return next && sdkworkflow.AllHandlersFinished(ctx) }); err != nil {
		return err
	}
	return sdkworkflow.NewContinueAsNewError(ctx, "Ledger", sum)
}
