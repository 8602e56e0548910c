package temporalhttp_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/flowgate/flowgate/dev/stack"
)

// allKey is an API key with the role "admin" on all namespaces and a cluster grant.
const allKey = "fg_all_00000000000000000000000000000000"

// compareWithItself compares Temporal's HTTP API with itself, which validates the examples.
var compareWithItself = flag.Bool("alone", false, "compare Temporal's HTTP API with itself, without a gateway") //nolint:gochecknoglobals // a flag

// environment contains the clients and counters that all tests share.
type environment struct {
	// direct calls Temporal's own HTTP API, and gateway calls the Temporal HTTP API of the gateway.
	direct, gateway client
	// server calls Temporal over gRPC. A test acts as a worker by RPCs that have no HTTP rule.
	server   workflowservice.WorkflowServiceClient
	coverage *coverage
}

// shared is set by TestMain before the tests run.
var shared environment //nolint:gochecknoglobals // the only way from TestMain to the tests

func TestMain(m *testing.M) { os.Exit(stack.RunTests("temporalhttp", m, run)) }

func run(ctx context.Context, log io.Writer, tests func() int) (code int, err error) {
	s, err := stack.Start(ctx, stack.Options{GatewayBinary: os.Getenv("GATEWAY_BINARY"), Log: log})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	connection, err := grpc.NewClient(s.Temporal().Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	shared.server = workflowservice.NewWorkflowServiceClient(connection)
	shared.coverage = newCoverage(bindings())
	shared.direct = client{name: "Temporal", url: "http://" + s.Temporal().HTTPAddress()}
	if shared.gateway, err = startGateway(ctx, s); err != nil {
		return 0, err
	}
	code = tests()
	_, _ = fmt.Fprintln(os.Stdout, shared.coverage.summary())
	return code, nil
}

// startGateway starts the gateway. With -alone, it returns a client of Temporal instead.
func startGateway(ctx context.Context, s *stack.Stack) (client, error) {
	if *compareWithItself {
		again := shared.direct
		again.name = "Temporal again"
		return again, nil
	}
	config, err := filepath.Abs("testdata/gateway.yaml")
	if err != nil {
		return client{}, err
	}
	gateway, err := s.StartGateway(ctx, stack.GatewayOptions{ConfigFile: config})
	if err != nil {
		return client{}, err
	}
	return client{name: "the gateway", url: gateway.URL, key: allKey}, nil
}
