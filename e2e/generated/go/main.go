// Command order is a service in Go, with the client of oapi-codegen.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
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
	return errors.Join(s.completeOrder(ctx), s.declineOrder(ctx), s.refuseApproval(ctx), s.scheduleOrders(ctx))
}

func newID() string { return "go-" + rand.Text() }

func item(sku string, quantity, price int) map[string]any {
	return map[string]any{"sku": sku, "quantity": quantity, "price": price}
}

func startRequest(workflowType, workflowID string, args ...client.JSON) client.StartWorkflowRequest {
	return client.StartWorkflowRequest{
		WorkflowType: workflowType, WorkflowId: workflowID, TaskQueue: os.Getenv("FLOWGATE_TASK_QUEUE"), Args: &args,
	}
}

func order(workflowID, card string) client.JSON {
	return map[string]any{"orderId": workflowID, "items": []any{item("book", 2, 1250)}, "card": card}
}

// eventually repeats an action until it returns true.
func eventually(action func() (bool, error)) error {
	const limit, interval = 30 * time.Second, 100 * time.Millisecond
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(interval) {
		if done, err := action(); done || err != nil {
			return err
		}
	}
	return errors.New("the condition did not become true in time")
}

func (s service) completeOrder(ctx context.Context) error {
	workflowID := newID()
	started, err := s.flowgate.StartWorkflowWithResponse(ctx, s.namespace, nil, startRequest("Order", workflowID, order(workflowID, "")))
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
	query := fmt.Sprintf("WorkflowId = '%s'", workflowID)
	return eventually(func() (bool, error) {
		list, err := s.flowgate.ListWorkflowsWithResponse(ctx, s.namespace, &client.ListWorkflowsParams{Query: &query})
		if err != nil {
			return false, err
		}
		if list.JSON200 == nil {
			return false, fmt.Errorf("list: %s", list.Body)
		}
		found := list.JSON200.Workflows
		return len(found) == 1 && found[0].RunId == runID, nil
	})
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
	wait, workflowID := "30s", newID()
	outcome, err := s.flowgate.StartWorkflowWithResponse(ctx, s.namespace, &client.StartWorkflowParams{Wait: &wait},
		startRequest("Order", workflowID, order(workflowID, "declined")))
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

func (s service) refuseApproval(ctx context.Context) error {
	workflowID, activityID, errorType := newID(), "approve", "Refused"
	started, err := s.flowgate.StartWorkflowWithResponse(ctx, s.namespace, nil, startRequest("Approval", workflowID))
	if err != nil {
		return err
	}
	if started.JSON201 == nil {
		return fmt.Errorf("start: %s", started.Body)
	}
	err = eventually(func() (bool, error) {
		description, err := s.flowgate.DescribeWorkflowWithResponse(ctx, s.namespace, workflowID, nil)
		if err != nil {
			return false, err
		}
		if description.JSON200 == nil {
			return false, fmt.Errorf("describe: %s", description.Body)
		}
		pending := description.JSON200.PendingActivities
		return pending != nil && len(*pending) == 1 && (*pending)[0].State == "STARTED", nil
	})
	if err != nil {
		return err
	}
	failure := client.FailureInput{Message: "no one may approve this", Type: &errorType, Details: &[]client.JSON{"ann"}}
	failed, err := s.flowgate.FailActivityWithResponse(ctx, s.namespace,
		client.FailActivityRequest{WorkflowId: &workflowID, ActivityId: &activityID, Failure: failure})
	if err != nil {
		return err
	}
	if failed.StatusCode() != http.StatusNoContent {
		return fmt.Errorf("fail: %s", failed.Body)
	}
	result, err := s.result(ctx, workflowID, started.JSON201.RunId, "30s")
	if err != nil {
		return err
	}
	if result.JSON200 == nil || result.JSON200.Failure == nil || result.JSON200.Failure.Cause == nil {
		return fmt.Errorf("result: %s", result.Body)
	}
	cause := *result.JSON200.Failure.Cause
	if cause.Message != failure.Message || *cause.Type != errorType || (*cause.Details)[0] != "ann" {
		return fmt.Errorf("result: %s", result.Body)
	}
	return nil
}

func (s service) scheduleOrders(ctx context.Context) error {
	id, crons, trigger := newID(), []string{"30 2 * * 1-5"}, true
	created, err := s.flowgate.CreateScheduleWithResponse(ctx, s.namespace, nil, client.CreateScheduleRequest{
		ScheduleId: id, TriggerImmediately: &trigger,
		Schedule: client.Schedule{
			Action: client.ScheduleAction{
				WorkflowType: "Echo", WorkflowId: id, TaskQueue: os.Getenv("FLOWGATE_TASK_QUEUE"), Args: &[]client.JSON{1},
			},
			Spec: client.ScheduleSpec{CronExpressions: &crons},
		},
	})
	if err != nil {
		return err
	}
	if created.JSON201 == nil {
		return fmt.Errorf("create: %s", created.Body)
	}
	err = eventually(func() (bool, error) {
		described, err := s.flowgate.DescribeScheduleWithResponse(ctx, s.namespace, id, nil)
		if err != nil {
			return false, err
		}
		if d := described.JSON200; d == nil || d.Schedule.Spec.CronExpressions == nil || !slices.Equal(*d.Schedule.Spec.CronExpressions, crons) {
			return false, fmt.Errorf("describe: %s", described.Body)
		}
		return described.JSON200.Info.NumActions == 1, nil
	})
	if err != nil {
		return err
	}
	if _, err := s.flowgate.DeleteScheduleWithResponse(ctx, s.namespace, id, nil); err != nil {
		return err
	}
	deleted, err := s.flowgate.DescribeScheduleWithResponse(ctx, s.namespace, id, nil)
	if err != nil {
		return err
	}
	if problem := deleted.ApplicationproblemJSON404; problem == nil || problem.Code != "schedule-not-found" {
		return fmt.Errorf("describe: %s", deleted.Body)
	}
	return nil
}
