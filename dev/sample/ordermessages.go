package sample

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"
)

// The names of the queries, signals and updates of Order.
const (
	ApproveSignal    = "approve"
	RejectSignal     = "reject"
	AmendSignal      = "amend"
	StatusQuery      = "status"
	ItemsQuery       = "items"
	AddItemUpdate    = "addItem"
	SetAddressUpdate = "setAddress"
)

// Decision is the argument of the signals approve and reject. The signal handler sets Approved.
type Decision struct {
	Approved bool   `json:"approved"`
	By       string `json:"by"`
	Reason   string `json:"reason,omitempty"`
}

// Amendment is the argument of the signal amend: the new items of the order.
type Amendment struct {
	Items []Item `json:"items"`
}

// Summary is the result of the update addItem.
type Summary struct {
	Items int   `json:"items"`
	Total int64 `json:"total"`
}

// registerHandlers registers the handlers of signals, queries and updates. Order must not block before that, because
// the first workflow task may contain a query.
func (o *order) registerHandlers(ctx workflow.Context) error {
	o.registerSignalHandlers(ctx)
	if err := o.registerQueryHandlers(ctx); err != nil {
		return err
	}
	return o.registerUpdateHandlers(ctx)
}

func (o *order) registerSignalHandlers(ctx workflow.Context) {
	channel := func(name, description string) workflow.ReceiveChannel {
		return workflow.GetSignalChannelWithOptions(ctx, name, workflow.SignalChannelOptions{Description: description})
	}
	decide := func(approved bool) func(Decision) {
		return func(decision Decision) {
			if o.decision == nil {
				decision.Approved = approved
				o.decision = &decision
			}
		}
	}
	handleSignals(ctx, channel(ApproveSignal, "Approves the order: {by}."), decide(true))
	handleSignals(ctx, channel(RejectSignal, "Rejects the order and refunds it: {by, reason}."), decide(false))
	handleSignals(ctx, channel(AmendSignal, "Replaces the items: {items}. The order continues as new."), func(a Amendment) {
		o.amendment = &a
	})
}

func (o *order) registerQueryHandlers(ctx workflow.Context) error {
	return setQueryHandlers(ctx, []queryHandler{
		{StatusQuery, "Returns the status of the order.", func() (string, error) { return o.status, nil }},
		{ItemsQuery, "Returns the items of the order.", func() ([]Item, error) { return o.input.Items, nil }},
	})
}

func (o *order) registerUpdateHandlers(ctx workflow.Context) error {
	addItem := workflow.UpdateHandlerOptions{
		Description: "Adds an item and charges for it: {sku, quantity, price}. Returns {items, total}.",
		Validator:   func(_ workflow.Context, item Item) error { return validate(item) },
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, AddItemUpdate, o.addItem, addItem); err != nil {
		return fmt.Errorf("handle update %s: %w", AddItemUpdate, err)
	}
	setAddress := workflow.UpdateHandlerOptions{Description: "Sets the delivery address."}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, SetAddressUpdate, o.setAddress, setAddress); err != nil {
		return fmt.Errorf("handle update %s: %w", SetAddressUpdate, err)
	}
	return nil
}

func validate(item Item) error {
	if item.Quantity <= 0 {
		return fmt.Errorf("quantity is %d and must be positive", item.Quantity)
	}
	return nil
}

// addItem charges for the item before adding it, so that an unpaid item is not added.
func (o *order) addItem(ctx workflow.Context, item Item) (*Summary, error) {
	if err := o.paymentLock.Lock(ctx); err != nil {
		return nil, err
	}
	defer o.paymentLock.Unlock()
	items := slices.Concat(o.input.Items, []Item{item})
	if err := o.chargeDifferenceLocked(ctx, items); err != nil {
		return nil, err
	}
	o.input.Items = items
	o.setStatus(ctx, o.status)
	return &Summary{Items: len(items), Total: total(items)}, nil
}

func (o *order) setAddress(_ workflow.Context, address string) error {
	o.carried.Address = address
	return nil
}
