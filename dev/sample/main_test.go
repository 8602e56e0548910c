package sample_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/flowgate/flowgate/dev/sample"
	"github.com/flowgate/flowgate/dev/temporal"
)

// addressVariable is the environment variable with the server's address.
const addressVariable = "SAMPLE_TEST_TEMPORAL_ADDRESS"

// TestMain starts one server and one worker for all tests of the package.
func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	server, err := temporal.Start(context.Background(), temporal.Options{Log: os.Stderr})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if err := os.Setenv(addressVariable, server.Address()); err != nil {
		return 0, err
	}
	sdk, err := client.Dial(clientOptions(server.Address()))
	if err != nil {
		return 0, err
	}
	defer sdk.Close()
	worker := sample.NewWorker(sdk, sample.TaskQueue)
	if err := worker.Start(); err != nil {
		return 0, err
	}
	defer worker.Stop()
	return m.Run(), nil
}

func clientOptions(address string) client.Options {
	return client.Options{
		HostPort: address,
		Logger:   sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	}
}

func dial(t *testing.T) client.Client {
	t.Helper()
	sdk, err := client.DialContext(t.Context(), clientOptions(os.Getenv(addressVariable)))
	require.NoError(t, err)
	t.Cleanup(sdk.Close)
	return sdk
}

// start starts a workflow with a unique id, so that tests are independent.
func start(t *testing.T, sdk client.Client, workflowType string, args ...any) client.WorkflowRun {
	t.Helper()
	options := client.StartWorkflowOptions{ID: uuid.NewString(), TaskQueue: sample.TaskQueue}
	run, err := sdk.ExecuteWorkflow(t.Context(), options, workflowType, args...)
	require.NoError(t, err)
	return run
}

func signal(t *testing.T, sdk client.Client, run client.WorkflowRun, name string, value any) {
	t.Helper()
	require.NoError(t, sdk.SignalWorkflow(t.Context(), run.GetID(), "", name, value))
}

func query[T any](t *testing.T, sdk client.Client, run client.WorkflowRun, name string, args ...any) T {
	t.Helper()
	encoded, err := sdk.QueryWorkflow(t.Context(), run.GetID(), "", name, args...)
	require.NoError(t, err)
	var value T
	require.NoError(t, encoded.Get(&value))
	return value
}

func update(t *testing.T, sdk client.Client, run client.WorkflowRun, name string, arg, result any) error {
	t.Helper()
	handle, err := sdk.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
		WorkflowID:   run.GetID(),
		UpdateName:   name,
		Args:         []any{arg},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return err
	}
	return handle.Get(t.Context(), result)
}
