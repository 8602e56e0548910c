package sample

import (
	"cmp"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// ImportRowsActivity is the name of the activity of Import. No worker of an SDK implements it, but the workers in
// examples/ do, over HTTP.
const ImportRowsActivity = "importRows"

// ImportHeartbeatTimeout is the heartbeat timeout of the activity importRows.
const ImportHeartbeatTimeout = 5 * time.Second

// ImportInput is the argument of Import.
type ImportInput struct {
	// TaskQueue is the task queue of the activities.
	TaskQueue string `json:"taskQueue"`
	// Files is the number of files, and Rows the number of rows of each.
	Files int `json:"files"`
	Rows  int `json:"rows"`
	// Parallel is the maximum number of open activities; 0 means no maximum.
	Parallel int `json:"parallel"`
}

// ImportedFile is the result of the activity importRows.
type ImportedFile struct {
	Rows   int    `json:"rows"`
	Worker string `json:"worker"`
}

// ImportResult is the result of Import.
type ImportResult struct {
	Rows int `json:"rows"`
	// Files is the number of files by worker.
	Files map[string]int `json:"files"`
}

// Import imports files, each with one activity. The id of an activity is the name of its file.
func Import(ctx workflow.Context, input ImportInput) (*ImportResult, error) {
	if input.TaskQueue == "" || input.Files < 0 || input.Parallel < 0 {
		return nil, temporal.NewNonRetryableApplicationError("taskQueue is missing, or a number is negative", "InvalidImport", nil)
	}
	result := &ImportResult{Files: map[string]int{}}
	open := workflow.NewSemaphore(ctx, int64(cmp.Or(input.Parallel, input.Files)))
	imports := workflow.NewWaitGroup(ctx)
	var failure error
	for n := range input.Files {
		if err := open.Acquire(ctx, 1); err != nil {
			return nil, err
		}
		file := fmt.Sprintf("orders-%d.csv", n+1)
		imports.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer imports.Done()
			defer open.Release(1)
			imported, err := importRows(ctx, input, file)
			if err != nil {
				failure = err
				return
			}
			result.Rows += imported.Rows
			result.Files[imported.Worker]++
		})
	}
	imports.Wait(ctx)
	if failure != nil {
		return nil, failure
	}
	return result, nil
}

// importRows executes an activity that is retried until it succeeds. A worker that stops without a report is noticed by
// the heartbeat timeout.
func importRows(ctx workflow.Context, input ImportInput, file string) (ImportedFile, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ActivityID: file, TaskQueue: input.TaskQueue,
		StartToCloseTimeout: time.Minute, HeartbeatTimeout: ImportHeartbeatTimeout, WaitForCancellation: true,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 1},
	})
	var imported ImportedFile
	err := workflow.ExecuteActivity(ctx, ImportRowsActivity, file, input.Rows).Get(ctx, &imported)
	return imported, err
}
