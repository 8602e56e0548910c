package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/flowgate/flowgate/dev/stack"
)

// otherNamespace exists and has no worker. absentNamespace does not exist, but threeNamespacesKey has a grant on it.
const (
	otherNamespace  = "other"
	absentNamespace = "absent"
)

// environment contains the servers and clients that all tests share.
type environment struct {
	stack    *stack.Stack
	replicas [2]*stack.Gateway
	contract *contract
	// server calls Temporal with a plain gRPC client. Unlike the SDK, it supports workflow ids that are not ASCII.
	server workflowservice.WorkflowServiceClient
}

// shared is set by TestMain before the tests run.
var shared environment //nolint:gochecknoglobals // the only way from TestMain to the tests

func TestMain(m *testing.M) { os.Exit(stack.RunTests("e2e", m, run)) }

func run(ctx context.Context, log io.Writer, tests func() int) (code int, err error) {
	if shared.contract, err = loadContract("../../api/openapi.json"); err != nil {
		return 0, err
	}
	shared.stack, err = stack.Start(ctx, stack.Options{
		Namespaces:    []string{otherNamespace},
		GatewayBinary: os.Getenv("GATEWAY_BINARY"),
		Log:           log,
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, shared.stack.Stop()) }()
	connection, err := grpc.NewClient(shared.stack.Temporal().Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	shared.server = workflowservice.NewWorkflowServiceClient(connection)
	for i := range shared.replicas {
		if shared.replicas[i], err = startGateway(ctx); err != nil {
			return 0, err
		}
	}
	testWorker := newWorker(shared.stack.Client())
	if err := testWorker.Start(); err != nil {
		return 0, err
	}
	defer testWorker.Stop()
	code = tests()
	return code, checkCoverage(code)
}

// checkCoverage prints the number of operations that the tests have called. It returns an error if a successful run of
// all tests has not called every operation.
func checkCoverage(code int) error {
	uncalled := shared.contract.uncalled()
	total := len(shared.contract.operations())
	_, _ = fmt.Fprintf(os.Stdout, "operations called: %d of %d\n", total-len(uncalled), total)
	if code != 0 || stack.IsFlagSet("test.run") || stack.IsFlagSet("test.skip") || stack.IsFlagSet("test.list") || len(uncalled) == 0 {
		return nil
	}
	return fmt.Errorf("operations never called: %s", strings.Join(uncalled, ", "))
}

// startGateway starts a gateway with the tests' configuration and additional settings as environment variables.
func startGateway(ctx context.Context, env ...string) (*stack.Gateway, error) {
	config, err := filepath.Abs("testdata/gateway.yaml")
	if err != nil {
		return nil, err
	}
	return shared.stack.StartGateway(ctx, stack.GatewayOptions{ConfigFile: config, Env: env})
}
