package sample_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/flowgate/flowgate/dev/sample"
)

func TestOrderWithAutoApproveCompletes(t *testing.T) {
	t.Parallel()
	input := newOrder()
	input.AutoApprove = true
	require.Equal(t, sample.OrderResult{
		OrderID: input.OrderID, Status: sample.StatusApproved, Total: 2500, ApprovedBy: "autoApprove",
	}, orderResult(t, start(t, dial(t), "Order", input)))
}

func TestOrderFailsWhenCardIsDeclined(t *testing.T) {
	t.Parallel()
	input := newOrder()
	input.Card = "declined"
	err := start(t, dial(t), "Order", input).Get(t.Context(), nil)
	var activity *temporal.ActivityError
	require.ErrorAs(t, err, &activity)
	var declined *temporal.ApplicationError
	require.ErrorAs(t, activity.Unwrap(), &declined)
	require.Equal(t, "PaymentDeclined", declined.Type())
	require.True(t, declined.NonRetryable())
	var details sample.Decline
	require.NoError(t, declined.Details(&details))
	require.Equal(t, input.OrderID, details.OrderID)
	require.EqualValues(t, 2500, details.Amount)
	require.Equal(t, []string{"activity", "application"}, failureChain(t, err))
}

func TestOrderWaitsForApproval(t *testing.T) {
	t.Parallel()
	sdk := dial(t)
	input := newOrder()
	run := startPaidOrder(t, sdk, input)
	require.Equal(t, input.Items, query[[]sample.Item](t, sdk, run, sample.ItemsQuery))
	require.NoError(t, update(t, sdk, run, sample.SetAddressUpdate, "1 High Street", nil))
	signal(t, sdk, run, sample.ApproveSignal, sample.Decision{By: "alice"})
	require.Equal(t, sample.OrderResult{
		OrderID: input.OrderID, Status: sample.StatusApproved, Total: 2500, ApprovedBy: "alice", Address: "1 High Street",
	}, orderResult(t, run))
}

func TestOrderIsRefundedWhenRejected(t *testing.T) {
	t.Parallel()
	sdk := dial(t)
	input := newOrder()
	run := startPaidOrder(t, sdk, input)
	signal(t, sdk, run, sample.RejectSignal, sample.Decision{By: "bob", Reason: "too late"})
	require.Equal(t, sample.OrderResult{
		OrderID: input.OrderID, Status: sample.StatusRejected, Total: 2500, RejectedBy: "bob", Reason: "too late",
	}, orderResult(t, run))
	require.Equal(t, []string{"charge", "refund"}, activities(t, sdk, run))
}

func TestAddItemUpdateChargesForTheItem(t *testing.T) {
	t.Parallel()
	sdk := dial(t)
	run := startPaidOrder(t, sdk, newOrder())
	var summary sample.Summary
	add := func(item sample.Item) error { return update(t, sdk, run, sample.AddItemUpdate, item, &summary) }
	require.NoError(t, add(sample.Item{SKU: "pen", Quantity: 2, Price: 100}))
	require.Equal(t, sample.Summary{Items: 3, Total: 2700}, summary)
	require.ErrorContains(t, add(sample.Item{SKU: "air", Quantity: 0, Price: 1}), "must be positive")
	var declined *temporal.ApplicationError
	require.ErrorAs(t, add(sample.Item{SKU: "yacht", Quantity: 1, Price: 9_000_000}), &declined)
	require.Equal(t, "PaymentDeclined", declined.Type())
	signal(t, sdk, run, sample.ApproveSignal, sample.Decision{By: "alice"})
	require.EqualValues(t, 2700, orderResult(t, run).Total)
}

func TestOrderContinuesAsNewWhenAmended(t *testing.T) {
	t.Parallel()
	sdk := dial(t)
	run := startPaidOrder(t, sdk, newOrder())
	firstRunID := run.GetRunID()
	require.NoError(t, update(t, sdk, run, sample.SetAddressUpdate, "1 High Street", nil))
	signal(t, sdk, run, sample.AmendSignal, sample.Amendment{Items: []sample.Item{{SKU: "pen", Quantity: 1, Price: 100}}})
	signal(t, sdk, run, sample.ApproveSignal, sample.Decision{By: "alice"})
	result := orderResult(t, run)
	require.EqualValues(t, 100, result.Total)
	require.Equal(t, 1, result.Amendments)
	require.Equal(t, "alice", result.ApprovedBy)
	require.Equal(t, "1 High Street", result.Address)
	require.NotEqual(t, firstRunID, run.GetRunID(), "the client has followed the run chain to the next run")
	require.Equal(t, []string{"refund"}, activities(t, sdk, run), "the next run refunds the difference to the new total")
}

func TestOrderIsRefundedWhenCanceled(t *testing.T) {
	t.Parallel()
	sdk := dial(t)
	run := startPaidOrder(t, sdk, newOrder())
	require.NoError(t, sdk.CancelWorkflow(t.Context(), run.GetID(), ""))
	var canceled *temporal.CanceledError
	require.ErrorAs(t, run.Get(t.Context(), nil), &canceled)
	require.Equal(t, []string{"charge", "refund"}, activities(t, sdk, run))
	description, err := sdk.DescribeWorkflowExecution(t.Context(), run.GetID(), run.GetRunID())
	require.NoError(t, err)
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED, description.GetWorkflowExecutionInfo().GetStatus())
}

func TestOrderSetsAttributesMemoAndDescriptions(t *testing.T) {
	t.Parallel()
	sdk := dial(t)
	input := newOrder()
	run := startPaidOrder(t, sdk, input)
	description, err := sdk.DescribeWorkflow(t.Context(), run.GetID(), run.GetRunID())
	require.NoError(t, err)
	customer, ok := description.TypedSearchAttributes.GetKeyword(temporal.NewSearchAttributeKeyKeyword("CustomerId"))
	require.True(t, ok)
	require.Equal(t, input.CustomerID, customer)
	var orderID string
	memo := description.Memo.GetFields()["orderId"]
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(memo, &orderID))
	require.Equal(t, input.OrderID, orderID)

	metadata, err := sdk.QueryWorkflow(t.Context(), run.GetID(), run.GetRunID(), "__temporal_workflow_metadata")
	require.NoError(t, err)
	var described sdkpb.WorkflowMetadata
	require.NoError(t, metadata.Get(&described))
	require.Contains(t, described.GetCurrentDetails(), input.OrderID)
	names := map[string]string{}
	definition := described.GetDefinition()
	handlers := append(definition.GetSignalDefinitions(), definition.GetQueryDefinitions()...)
	for _, handler := range append(handlers, definition.GetUpdateDefinitions()...) {
		names[handler.GetName()] = handler.GetDescription()
	}
	for _, name := range []string{"approve", "reject", "amend", "status", "items", "addItem", "setAddress"} {
		require.NotEmpty(t, names[name], name)
	}
}

// newOrder returns the input of an order with unique ids and a total of 2500 cents.
func newOrder() sample.OrderInput {
	id := uuid.NewString()
	return sample.OrderInput{
		OrderID:    "order-" + id,
		CustomerID: "customer-" + id,
		Items:      []sample.Item{{SKU: "book", Quantity: 1, Price: 2000}, {SKU: "card", Quantity: 5, Price: 100}},
	}
}

// startPaidOrder starts an order and returns once the order is paid and waits for approval.
func startPaidOrder(t *testing.T, sdk client.Client, input sample.OrderInput) client.WorkflowRun {
	t.Helper()
	run := start(t, sdk, "Order", input)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.Equal(c, sample.StatusWaiting, query[string](t, sdk, run, sample.StatusQuery))
	}, 10*time.Second, 10*time.Millisecond)
	return run
}

func orderResult(t *testing.T, run client.WorkflowRun) sample.OrderResult {
	t.Helper()
	var result sample.OrderResult
	require.NoError(t, run.Get(t.Context(), &result))
	return result
}

// activities returns the types of the scheduled activities of a run, in order.
func activities(t *testing.T, sdk client.Client, run client.WorkflowRun) []string {
	t.Helper()
	var names []string
	events := sdk.GetWorkflowHistory(t.Context(), run.GetID(), run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		if scheduled := event.GetActivityTaskScheduledEventAttributes(); scheduled != nil {
			names = append(names, scheduled.GetActivityType().GetName())
		}
	}
	return names
}

// failureChain returns the kinds of the failures that err wraps, from the outermost to the root.
func failureChain(t *testing.T, err error) []string {
	t.Helper()
	var kinds []string
	for err != nil {
		switch err.(type) { //nolint:errorlint // each cause is inspected separately
		case *temporal.ActivityError:
			kinds = append(kinds, "activity")
		case *temporal.ApplicationError:
			kinds = append(kinds, "application")
		}
		err = errors.Unwrap(err)
	}
	return kinds
}
