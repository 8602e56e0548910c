// Command order is a service in Go, with the client of oapi-codegen.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"example.com/order/client"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type service struct {
	flowgate  *client.ClientWithResponses
	namespace string
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
	s := service{flowgate, os.Getenv("FLOWGATE_NAMESPACE")}
	return errors.Join(s.completeOrder(ctx), s.declineOrder(ctx))
}

func newID() string { return "go-" + rand.Text() }

func item(sku string, quantity, price int) map[string]any {
	return map[string]any{"sku": sku, "quantity": quantity, "price": price}
}

func startRequest(workflowID, card string) client.StartWorkflowRequest {
	order := map[string]any{"orderId": workflowID, "items": []any{item("book", 2, 1250)}, "card": card}
	return client.StartWorkflowRequest{
		WorkflowType: "Order", WorkflowId: workflowID, TaskQueue: os.Getenv("FLOWGATE_TASK_QUEUE"), Args: &[]client.JSON{order},
	}
}

func (s service) completeOrder(ctx context.Context) error {
	workflowID := newID()
	started, err := s.flowgate.StartWorkflowWithResponse(ctx, s.namespace, nil, startRequest(workflowID, ""))
	if err != nil {
		return err
	}
	if started.JSON201 == nil || !started.JSON201.Started {
		return fmt.Errorf("start: %s", started.Body)
	}
	runID := started.JSON201.RunId

	updated, err := s.flowgate.UpdateWorkflowWithResponse(ctx, s.namespace, workflowID, nil,
		client.UpdateRequest{Update: "addItem", Args: &[]client.JSON{item("pen", 1, 300)}})
	if err != nil {
		return err
	}
	if updated.JSON200 == nil || total(updated.JSON200.Result) != 2800 {
		return fmt.Errorf("update: %s", updated.Body)
	}
	if err := s.awaitListed(ctx, workflowID, runID); err != nil {
		return err
	}
	result, err := s.result(ctx, workflowID, runID, "1s")
	if err != nil {
		return err
	}
	if result.JSON202 == nil || result.JSON202.Status != "RUNNING" {
		return fmt.Errorf("result: %s", result.Body)
	}
	_, err = s.flowgate.SignalWorkflowWithResponse(ctx, s.namespace, workflowID, nil,
		client.SignalRequest{Signal: "approve", Args: &[]client.JSON{map[string]any{"by": "ann"}}})
	if err != nil {
		return err
	}
	if result, err = s.result(ctx, workflowID, runID, "30s"); err != nil {
		return err
	}
	if result.JSON200 == nil || result.JSON200.Status != "COMPLETED" || total(result.JSON200.Result) != 2800 {
		return fmt.Errorf("result: %s", result.Body)
	}
	return s.checkHistory(ctx, workflowID, runID)
}

// total returns the total of an order, or zero.
func total(result *client.JSON) float64 {
	if result == nil {
		return 0
	}
	order, _ := (*result).(map[string]any)
	found, _ := order["total"].(float64)
	return found
}

// awaitListed waits until the list has the run: lists are updated with a short delay.
func (s service) awaitListed(ctx context.Context, workflowID, runID string) error {
	const limit, interval = 30 * time.Second, 100 * time.Millisecond
	query := fmt.Sprintf("WorkflowId = '%s'", workflowID)
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(interval) {
		list, err := s.flowgate.ListWorkflowsWithResponse(ctx, s.namespace, &client.ListWorkflowsParams{Query: &query})
		if err != nil {
			return err
		}
		if list.JSON200 == nil {
			return fmt.Errorf("list: %s", list.Body)
		}
		if found := list.JSON200.Workflows; len(found) == 1 && found[0].RunId == runID {
			return nil
		}
	}
	return errors.New("the list does not have the workflow")
}

func (s service) result(ctx context.Context, workflowID, runID, wait string) (*client.GetWorkflowResultResponse, error) {
	return s.flowgate.GetWorkflowResultWithResponse(ctx, s.namespace, workflowID, &client.GetWorkflowResultParams{RunId: &runID, Wait: &wait})
}

func (s service) checkHistory(ctx context.Context, workflowID, runID string) error {
	pages, size, last := 0, 5, client.HistoryEvent{EventId: "0"}
	params := &client.GetWorkflowHistoryParams{RunId: &runID, PageSize: &size}
	for pages == 0 || params.PageToken != nil {
		page, err := s.flowgate.GetWorkflowHistoryWithResponse(ctx, s.namespace, workflowID, params)
		if err != nil {
			return err
		}
		if page.JSON200 == nil {
			return fmt.Errorf("history: %s", page.Body)
		}
		for _, event := range page.JSON200.Events {
			if before, err := strconv.Atoi(last.EventId); err != nil || event.EventId != strconv.Itoa(before+1) {
				return fmt.Errorf("event %s follows event %s", event.EventId, last.EventId)
			}
			last = event
		}
		params.PageToken = page.JSON200.NextPageToken
		pages++
	}
	if pages < 2 || last.EventType != "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED" {
		return fmt.Errorf("the history has %d pages and ends with %s", pages, last.EventType)
	}
	return nil
}

func (s service) declineOrder(ctx context.Context) error {
	wait := "30s"
	outcome, err := s.flowgate.StartWorkflowWithResponse(ctx, s.namespace, &client.StartWorkflowParams{Wait: &wait}, startRequest(newID(), "declined"))
	if err != nil {
		return err
	}
	failed := outcome.JSON200
	if failed == nil || !failed.Started || failed.Status == nil || *failed.Status != "FAILED" ||
		failed.Failure == nil || failed.Failure.Cause == nil || failed.Failure.Cause.Kind != "application" {
		return fmt.Errorf("outcome: %s", outcome.Body)
	}
	unknown, err := s.flowgate.DescribeWorkflowWithResponse(ctx, s.namespace, newID(), nil)
	if err != nil {
		return err
	}
	if problem := unknown.ApplicationproblemJSON404; problem == nil || problem.Code != "workflow-not-found" {
		return fmt.Errorf("describe: %s", unknown.Body)
	}
	return nil
}
