package e2e_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	sdkworkflow "go.temporal.io/sdk/workflow"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/sample"
)

// testQueue is the task queue of a second worker, which runs workflows that only these tests use.
const testQueue = "tests"

// brokenQuery is a query of the Parent workflow that always fails.
const brokenQuery = "broken"

func newWorker(sdk client.Client) worker.Worker { return newWorkerOn(sdk, testQueue) }

func newWorkerOn(sdk client.Client, queue string) worker.Worker {
	w := worker.New(sdk, queue, worker.Options{Identity: queue})
	w.RegisterWorkflowWithOptions(parentWorkflow, sdkworkflow.RegisterOptions{Name: "Parent"})
	w.RegisterWorkflowWithOptions(ledgerWorkflow, sdkworkflow.RegisterOptions{Name: "Ledger"})
	w.RegisterActivityWithOptions(failOnce, activity.RegisterOptions{Name: "failOnce"})
	return w
}

// parentWorkflow starts a child workflow and an activity that do not complete: the activity fails once, and its next
// attempt is an hour later. The id of the child is the id of the parent with the suffix "-child".
func parentWorkflow(ctx sdkworkflow.Context) error {
	err := sdkworkflow.SetQueryHandler(ctx, brokenQuery, func() (string, error) {
		return "", temporal.NewApplicationError("this query always fails", "Broken", map[string]int{"code": 7})
	})
	if err != nil {
		return err
	}
	child := sdkworkflow.ExecuteChildWorkflow(sdkworkflow.WithChildOptions(ctx, sdkworkflow.ChildWorkflowOptions{
		WorkflowID: sdkworkflow.GetInfo(ctx).WorkflowExecution.ID + "-child",
		TaskQueue:  sample.TaskQueue,
	}), "Wait")
	retried := sdkworkflow.ExecuteActivity(sdkworkflow.WithActivityOptions(ctx, sdkworkflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Hour, MaximumInterval: time.Hour},
	}), "failOnce")
	if err := child.Get(ctx, nil); err != nil {
		return err
	}
	return retried.Get(ctx, nil)
}

func failOnce(ctx context.Context) error {
	activity.RecordHeartbeat(ctx, map[string]int{"done": 3})
	return temporal.NewApplicationError("the first attempt fails", "FirstAttempt")
}

// startParent starts a Parent workflow.
func startParent(t *testing.T, fields ...string) started {
	t.Helper()
	body := startBody("Parent", newID(t), testQueue, fields...)
	return as[started](t, writer().post(t, workflows, body).expect(t, http.StatusCreated))
}

// awaitIdleParent waits until a Parent workflow makes no more progress, and returns its description. A query before
// that could be sent to the worker together with a workflow task, and the Go SDK omits the failure of such a query.
func awaitIdleParent(t *testing.T, s started) workflow {
	t.Helper()
	var w workflow
	e2etest.Eventually(t, "the workflow makes no more progress", func() bool {
		w = describe(t, s.WorkflowID)
		return w.PendingWorkflowTask == nil &&
			len(w.PendingChildren) == 1 && w.PendingChildren[0].RunID != "" &&
			len(w.PendingActivities) == 1 && w.PendingActivities[0].LastFailure != nil
	})
	return w
}
