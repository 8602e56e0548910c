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

// otherNamespace exists beside the default one, and no worker serves it. absentNamespace does not exist, though the key
// many may write there.
const (
	otherNamespace  = "other"
	absentNamespace = "absent"
)

// environment is what all tests share.
type environment struct {
	stack    *stack.Stack
	replicas [2]*stack.Gateway
	contract *contract
	// server is Temporal past the gateways, and past the SDK too, which cannot speak of workflows whose id is not ASCII.
	server workflowservice.WorkflowServiceClient
}

// shared is set by TestMain before any test runs.
var shared environment //nolint:gochecknoglobals // tests have no other way to what TestMain started

func TestMain(m *testing.M) { os.Exit(stack.RunTests("e2e", m, run)) }

func run(ctx context.Context, log io.Writer, tests func() int) (code int, err error) {
	if shared.contract, err = loadContract("../../api/openapi.yaml"); err != nil {
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
	hands := newWorker(shared.stack.Client())
	if err := hands.Start(); err != nil {
		return 0, err
	}
	defer hands.Stop()
	code = tests()
	return code, checkCoverage(code)
}

// checkCoverage tells how much of the API was called. Only a run of everything has to call everything.
func checkCoverage(code int) error {
	uncalled := shared.contract.uncalled()
	total := len(shared.contract.operations())
	_, _ = fmt.Fprintf(os.Stdout, "operations called: %d of %d\n", total-len(uncalled), total)
	if code != 0 || stack.FlagGiven("test.run") || stack.FlagGiven("test.skip") || stack.FlagGiven("test.list") || len(uncalled) == 0 {
		return nil
	}
	return fmt.Errorf("never called: %s", strings.Join(uncalled, ", "))
}

// startGateway starts a gateway with the tests' configuration, and more settings by their environment variables.
func startGateway(ctx context.Context, env ...string) (*stack.Gateway, error) {
	config, err := filepath.Abs("testdata/gateway.yaml")
	if err != nil {
		return nil, err
	}
	return shared.stack.StartGateway(ctx, stack.GatewayOptions{ConfigFile: config, Env: env})
}
