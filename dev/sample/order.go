package sample

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// The states that query status tells and that a result carries.
const (
	StatusPaying    = "paying"
	StatusWaiting   = "waiting for approval"
	StatusApproved  = "approved"
	StatusRejected  = "rejected"
	StatusRefunding = "refunding"
)

// Item is one line of an order; Price is of one piece, in cents.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	Price    int64  `json:"price"`
}

// OrderInput starts an Order.
type OrderInput struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId,omitempty"`
	Items      []Item `json:"items"`
	// Card pays, unless it is "declined" or asked for more than 1,000,000 at once.
	Card string `json:"card,omitempty"`
	// AutoApprove finishes the order as soon as it is paid.
	AutoApprove bool `json:"autoApprove,omitempty"`
	// Carried is what an amended order hands to its next run; starters leave it out.
	Carried *CarriedState `json:"carried,omitempty"`
}

// CarriedState survives the change of run that signal amend causes.
type CarriedState struct {
	Paid       int64     `json:"paid"`
	Amendments int       `json:"amendments"`
	Address    string    `json:"address,omitempty"`
	Decision   *Decision `json:"decision,omitempty"`
}

// OrderResult is how an Order ends, approved or rejected.
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

// Order takes a payment, waits for somebody's decision and reacts meanwhile to all that Temporal can send a workflow.
// A payment that is declined fails it; a rejection or a cancellation refunds what was paid.
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
	// paymentLock lets one message at a time change the items and the payment, which has to follow them.
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

// announce makes the order findable by its customer and readable in a list.
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

// run lasts until there is a decision or an amendment and nothing is half done.
func (o *order) run(ctx workflow.Context) error {
	o.enter(ctx, StatusPaying)
	if err := o.chargeDifference(ctx, o.input.Items); err != nil {
		return err
	}
	o.enter(ctx, StatusWaiting)
	settled := func() bool {
		return (o.decision != nil || o.amendment != nil) && workflow.AllHandlersFinished(ctx)
	}
	return workflow.Await(ctx, settled)
}

func (o *order) enter(ctx workflow.Context, status string) {
	o.status = status
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Order **%s** is %s: %d items, %d cents in total.",
		o.input.OrderID, status, len(o.input.Items), total(o.input.Items)))
}

// nextInput is the amended order. A decision that came with the amendment stays in force.
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

// refundAfterCancellation gives the money back in a context that outlives the cancellation, and returns the
// cancellation, so that the workflow ends canceled.
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
