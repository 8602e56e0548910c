package sample

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

const (
	chargeActivity = "charge"
	refundActivity = "refund"

	// declinedCard is a card whose payments fail. paymentLimit is the maximum amount of one payment, in cents.
	declinedCard = "declined"
	paymentLimit = 1_000_000
)

// Payment is the argument of the payment activities. Amounts are in cents.
type Payment struct {
	OrderID string `json:"orderId"`
	Card    string `json:"card"`
	Amount  int64  `json:"amount"`
}

// Decline is the detail of a PaymentDeclined failure.
type Decline struct {
	OrderID string `json:"orderId"`
	Amount  int64  `json:"amount"`
	Reason  string `json:"reason"`
}

// charge takes a payment. The failure of a declined payment is not retryable, because a retry would be declined too.
func charge(ctx context.Context, payment Payment) error {
	decline := func(reason string) error {
		details := Decline{OrderID: payment.OrderID, Amount: payment.Amount, Reason: reason}
		return temporal.NewNonRetryableApplicationError("payment declined: "+reason, "PaymentDeclined", nil, details)
	}
	switch {
	case payment.Card == declinedCard:
		return decline("the bank declined the card")
	case payment.Amount > paymentLimit:
		return decline(fmt.Sprintf("%d is over the card's limit of %d", payment.Amount, paymentLimit))
	}
	activity.GetLogger(ctx).Debug("charged", "orderId", payment.OrderID, "amount", payment.Amount)
	return nil
}

func refund(ctx context.Context, payment Payment) error {
	activity.GetLogger(ctx).Debug("refunded", "orderId", payment.OrderID, "amount", payment.Amount)
	return nil
}

// chargeDifference charges or refunds the difference between the total of items and the amount paid so far.
func (o *order) chargeDifference(ctx workflow.Context, items []Item) error {
	if err := o.paymentLock.Lock(ctx); err != nil {
		return err
	}
	defer o.paymentLock.Unlock()
	return o.chargeDifferenceLocked(ctx, items)
}

// chargeDifferenceLocked is chargeDifference for a caller that holds paymentLock.
func (o *order) chargeDifferenceLocked(ctx workflow.Context, items []Item) error {
	due := total(items) - o.carried.Paid
	if due == 0 {
		return nil
	}
	payment, name := Payment{OrderID: o.input.OrderID, Card: o.input.Card, Amount: due}, chargeActivity
	if due < 0 {
		payment.Amount, name = -due, refundActivity
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	if err := workflow.ExecuteActivity(ctx, name, payment).Get(ctx, nil); err != nil {
		return err
	}
	o.carried.Paid += due
	return nil
}
