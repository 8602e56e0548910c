// Command order is a service in Go, with a generated client: it starts an order and waits for its result.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"

	"example.com/order/client"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	withKey := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+os.Getenv("FLOWGATE_KEY"))
		return nil
	}
	flowgate, err := client.NewClientWithResponses(os.Getenv("FLOWGATE_URL"), client.WithRequestEditorFn(withKey))
	if err != nil {
		return err
	}
	namespace, workflowID := os.Getenv("FLOWGATE_NAMESPACE"), "go-"+rand.Text()
	items := []map[string]any{{"sku": "book", "quantity": 2, "price": 1250}}
	started, err := flowgate.StartWorkflowWithResponse(ctx, namespace, nil, client.StartWorkflowRequest{
		WorkflowType: "Order",
		WorkflowId:   workflowID,
		TaskQueue:    os.Getenv("FLOWGATE_TASK_QUEUE"),
		Args:         &[]client.JSON{map[string]any{"orderId": workflowID, "items": items, "autoApprove": true}},
	})
	if err != nil {
		return err
	}
	if started.JSON201 == nil {
		return fmt.Errorf("start: %s", started.Body)
	}
	wait := "30s"
	result, err := flowgate.GetWorkflowResultWithResponse(ctx, namespace, workflowID,
		&client.GetWorkflowResultParams{RunId: &started.JSON201.RunId, Wait: &wait})
	if err != nil {
		return err
	}
	if result.JSON200 == nil || result.JSON200.Status != "COMPLETED" || result.JSON200.Result == nil {
		return fmt.Errorf("result: %s", result.Body)
	}
	if order, ok := (*result.JSON200.Result).(map[string]any); !ok || order["total"] != 2500.0 {
		return fmt.Errorf("result: %s", result.Body)
	}
	return nil
}
