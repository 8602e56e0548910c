package sample

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// ApprovePurchaseActivity is the name of the activity of Purchase. A person completes it in the form of
// examples/approval-form.
const ApprovePurchaseActivity = "approvePurchase"

// PurchaseInput is the argument of Purchase.
type PurchaseInput struct {
	Item string `json:"item"`
	// Amount is the price in cents.
	Amount int64 `json:"amount"`
	// TaskQueue is the task queue of the approval.
	TaskQueue string `json:"taskQueue"`
}

// PurchaseRequest is the argument of the activity approvePurchase.
type PurchaseRequest struct {
	Item   string `json:"item"`
	Amount int64  `json:"amount"`
}

// PurchaseDecision is the result of the activity approvePurchase.
type PurchaseDecision struct {
	Approved bool   `json:"approved"`
	By       string `json:"by"`
}

// PurchaseResult is the result of Purchase.
type PurchaseResult struct {
	Item string `json:"item"`
	// Status is "ordered" or "rejected".
	Status    string `json:"status"`
	DecidedBy string `json:"decidedBy"`
}

// Purchase orders an item once a person has approved it. An approval has a day, and is then requested again.
func Purchase(ctx workflow.Context, input PurchaseInput) (*PurchaseResult, error) {
	const approvalTimeout = 24 * time.Hour
	if input.Item == "" || input.TaskQueue == "" {
		return nil, temporal.NewNonRetryableApplicationError("item or taskQueue is missing", "InvalidPurchase", nil)
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: input.TaskQueue, StartToCloseTimeout: approvalTimeout})
	var decision PurchaseDecision
	request := PurchaseRequest{Item: input.Item, Amount: input.Amount}
	if err := workflow.ExecuteActivity(ctx, ApprovePurchaseActivity, request).Get(ctx, &decision); err != nil {
		return nil, err
	}
	result := &PurchaseResult{Item: input.Item, Status: "rejected", DecidedBy: decision.By}
	if decision.Approved {
		result.Status = "ordered"
	}
	return result, nil
}
