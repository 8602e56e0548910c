package sample

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// The values of the query status and of OrderResult.
const (
	StatusPaying    = "paying"
	StatusWaiting   = "waiting for approval"
	StatusApproved  = "approved"
	StatusRejected  = "rejected"
	StatusRefunding = "refunding"
)

// Item is one line of an order. Price is the price of one piece, in cents.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	Price    int64  `json:"price"`
}

// OrderInput is the argument of Order.
type OrderInput struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId,omitempty"`
	Items      []Item `json:"items"`
	// Card is the payment card. Payments fail if it is "declined" or if an amount is over 1,000,000.
	Card string `json:"card,omitempty"`
	// AutoApprove approves the order as soon as it is paid.
	AutoApprove bool `json:"autoApprove,omitempty"`
	// Carried is the state from the previous run of an amended order. Callers omit it.
	Carried *CarriedState `json:"carried,omitempty"`
}

// CarriedState is the state that an order passes to its next run after the signal amend.
type CarriedState struct {
	Paid       int64     `json:"paid"`
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

// Order takes a payment and waits for a decision. Meanwhile it handles queries, signals, updates and cancellation. It
// fails if the payment is declined. A rejection or a cancellation refunds the payment.
func Order(ctx workflow.Context, input OrderInput) (*OrderResult, error) {
	o := newOrder(ctx, input)
	if err := o.announce(ctx); err != nil {
		return nil, err
	}
	if err := o.handleMessages(ctx); err != nil {
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
	return o.conclude(ctx)
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

// announce sets the search attributes and the memo of the order.
func (o *order) announce(ctx workflow.Context) error {
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

// run returns once there is a decision or an amendment and no handler is running.
func (o *order) run(ctx workflow.Context) error {
	o.enter(ctx, StatusPaying)
	if err := o.chargeDifference(ctx, o.input.Items); err != nil {
		return err
	}
	o.enter(ctx, StatusWaiting)
	done := func() bool {
		return (o.decision != nil || o.amendment != nil) && workflow.AllHandlersFinished(ctx)
	}
	return workflow.Await(ctx, done)
}

func (o *order) enter(ctx workflow.Context, status string) {
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

func (o *order) conclude(ctx workflow.Context) (*OrderResult, error) {
	result := &OrderResult{
		OrderID:    o.input.OrderID,
		Total:      total(o.input.Items),
		Address:    o.carried.Address,
		Amendments: o.carried.Amendments,
	}
	if o.decision.Approved {
		result.ApprovedBy = o.decision.By
		o.enter(ctx, StatusApproved)
	} else {
		if err := o.chargeDifference(ctx, nil); err != nil {
			return nil, err
		}
		result.RejectedBy, result.Reason = o.decision.By, o.decision.Reason
		o.enter(ctx, StatusRejected)
	}
	result.Status = o.status
	return result, nil
}

// refundAfterCancellation refunds the payment in a disconnected context and returns the cancellation, so that the
// workflow ends as canceled.
func (o *order) refundAfterCancellation(ctx workflow.Context, cancellation error) error {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	o.enter(ctx, StatusRefunding)
	if err := o.chargeDifference(ctx, nil); err != nil {
		return err
	}
	return cancellation
}

func total(items []Item) int64 {
	var sum int64
	for _, item := range items {
		sum += item.Quantity * item.Price
	}
	return sum
}
