package sample

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// The statuses of an order, as in OrderResult.Status and the result of the query StatusQuery.
const (
	StatusPaying    = "paying"
	StatusWaiting   = "waiting for approval"
	StatusApproved  = "approved"
	StatusRejected  = "rejected"
	StatusRefunding = "refunding"
)

// Item is one line of an order.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	// Price is the price of one piece, in cents.
	Price int64 `json:"price"`
}

// OrderInput is the argument of Order.
type OrderInput struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId,omitempty"`
	Items      []Item `json:"items"`
	// Card is the payment card. A payment fails if Card is "declined" or if the amount exceeds 1,000,000 cents.
	Card string `json:"card,omitempty"`
	// AutoApprove approves the order as soon as it is paid.
	AutoApprove bool `json:"autoApprove,omitempty"`
	// Carried is the state from the previous run of an amended order. Callers omit it.
	Carried *CarriedState `json:"carried,omitempty"`
}

// CarriedState is the state that a run of Order passes to the next run when it continues as new.
type CarriedState struct {
	// Paid is the amount paid so far, in cents.
	Paid int64 `json:"paid"`
	// Amendments is the number of times that the order has been amended.
	Amendments int       `json:"amendments"`
	Address    string    `json:"address,omitempty"`
	Decision   *Decision `json:"decision,omitempty"`
}

// OrderResult is the result of an approved or rejected Order.
type OrderResult struct {
	OrderID    string `json:"orderId"`
	Status     string `json:"status"`
	Total      int64  `json:"total"`
	ApprovedBy string `json:"approvedBy,omitempty"`
	RejectedBy string `json:"rejectedBy,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Address    string `json:"address,omitempty"`
	Amendments int    `json:"amendments,omitempty"`
}

// Order takes a payment and waits until the order is approved or rejected. Meanwhile it handles queries, signals,
// updates and cancellation. It fails if the payment is declined. It refunds the payment of a rejected or canceled
// order.
func Order(ctx workflow.Context, input OrderInput) (*OrderResult, error) {
	o := newOrder(ctx, input)
	if err := o.setAttributesAndMemo(ctx); err != nil {
		return nil, err
	}
	if err := o.registerHandlers(ctx); err != nil {
		return nil, err
	}
	err := o.run(ctx)
	if temporal.IsCanceledError(err) {
		return nil, o.refundAfterCancellation(ctx, err)
	}
	if err != nil {
		return nil, err
	}
	if o.amendment != nil {
		return nil, workflow.NewContinueAsNewError(ctx, Order, o.nextInput())
	}
	return o.applyDecision(ctx)
}

// order is the state of one run.
type order struct {
	input     OrderInput
	carried   CarriedState
	status    string
	decision  *Decision
	amendment *Amendment
	// paymentLock serialises changes to the items and the payment for them.
	paymentLock workflow.Mutex
}

func newOrder(ctx workflow.Context, input OrderInput) *order {
	o := &order{input: input, paymentLock: workflow.NewMutex(ctx)}
	if input.Carried != nil {
		o.carried = *input.Carried
	}
	o.decision = o.carried.Decision
	if input.AutoApprove && o.decision == nil {
		o.decision = &Decision{Approved: true, By: "autoApprove"}
	}
	return o
}

func (o *order) setAttributesAndMemo(ctx workflow.Context) error {
	if o.input.CustomerID != "" {
		customer := temporal.NewSearchAttributeKeyKeyword("CustomerId").ValueSet(o.input.CustomerID)
		if err := workflow.UpsertTypedSearchAttributes(ctx, customer); err != nil {
			return fmt.Errorf("set search attribute CustomerId: %w", err)
		}
	}
	memo := map[string]any{"orderId": o.input.OrderID, "total": total(o.input.Items)}
	if err := workflow.UpsertMemo(ctx, memo); err != nil {
		return fmt.Errorf("set the memo: %w", err)
	}
	return nil
}

// run takes the payment and waits until there is a decision or an amendment and no handler is running.
func (o *order) run(ctx workflow.Context) error {
	o.setStatus(ctx, StatusPaying)
	if err := o.chargeDifference(ctx, o.input.Items); err != nil {
		return err
	}
	o.setStatus(ctx, StatusWaiting)
	done := func() bool {
		return (o.decision != nil || o.amendment != nil) && workflow.AllHandlersFinished(ctx)
	}
	return workflow.Await(ctx, done)
}

func (o *order) setStatus(ctx workflow.Context, status string) {
	o.status = status
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Order **%s** is %s: %d items, %d cents in total.",
		o.input.OrderID, status, len(o.input.Items), total(o.input.Items)))
}

// nextInput returns the input of the amended order. It keeps a decision that arrived with the amendment.
func (o *order) nextInput() OrderInput {
	next := o.input
	next.Items = o.amendment.Items
	next.Carried = &CarriedState{
		Paid:       o.carried.Paid,
		Amendments: o.carried.Amendments + 1,
		Address:    o.carried.Address,
		Decision:   o.decision,
	}
	return next
}

// applyDecision refunds a rejected order and returns the result.
func (o *order) applyDecision(ctx workflow.Context) (*OrderResult, error) {
	result := &OrderResult{
		OrderID:    o.input.OrderID,
		Total:      total(o.input.Items),
		Address:    o.carried.Address,
		Amendments: o.carried.Amendments,
	}
	if o.decision.Approved {
		result.ApprovedBy = o.decision.By
		o.setStatus(ctx, StatusApproved)
	} else {
		if err := o.chargeDifference(ctx, nil); err != nil {
			return nil, err
		}
		result.RejectedBy, result.Reason = o.decision.By, o.decision.Reason
		o.setStatus(ctx, StatusRejected)
	}
	result.Status = o.status
	return result, nil
}

// refundAfterCancellation refunds the payment in a disconnected context and returns canceled, the error of the
// cancellation, so that the workflow is closed as canceled.
func (o *order) refundAfterCancellation(ctx workflow.Context, canceled error) error {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	o.setStatus(ctx, StatusRefunding)
	if err := o.chargeDifference(ctx, nil); err != nil {
		return err
	}
	return canceled
}

func total(items []Item) int64 {
	var sum int64
	for _, item := range items {
		sum += item.Quantity * item.Price
	}
	return sum
}
