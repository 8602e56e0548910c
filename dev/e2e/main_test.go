package e2e_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// world is what all tests share.
type world struct {
	stack    *stack.Stack
	replicas [2]*stack.Gateway
	contract *contract
	// server is Temporal past the gateways, and past the SDK too, which cannot speak of workflows whose id is not ASCII.
	server workflowservice.WorkflowServiceClient
}

// here is set by TestMain before any test runs.
var here world //nolint:gochecknoglobals // tests have no other way to what TestMain started

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	const patience = time.Minute
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := manyAtOnce(); err != nil {
		return 0, err
	}
	log, err := createLog("../../bin/e2e.log")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if here.contract, err = loadContract("../../api/openapi.yaml"); err != nil {
		return 0, err
	}
	here.stack, err = stack.Start(ctx, stack.Options{
		Namespaces:    []string{otherNamespace},
		GatewayBinary: os.Getenv("GATEWAY_BINARY"),
		Log:           log,
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, here.stack.Stop()) }()
	connection, err := grpc.NewClient(here.stack.Temporal().Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	here.server = workflowservice.NewWorkflowServiceClient(connection)
	for i := range here.replicas {
		if here.replicas[i], err = startGateway(ctx); err != nil {
			return 0, err
		}
	}
	hands := newWorker(here.stack.Client())
	if err := hands.Start(); err != nil {
		return 0, err
	}
	defer hands.Stop()
	code = m.Run()
	return code, settle(code)
}

// manyAtOnce lets more tests run at once than there are processors: they mostly wait, for timers, polls and the
// visibility store.
func manyAtOnce() error {
	if given("test.parallel") {
		return nil
	}
	return flag.Set("test.parallel", "16")
}

func createLog(name string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	return os.Create(name)
}

// settle tells how much of the API was called. Only a run of everything has to call everything.
func settle(code int) error {
	uncalled := here.contract.uncalled()
	total := len(here.contract.operations())
	_, _ = fmt.Fprintf(os.Stdout, "operations called: %d of %d\n", total-len(uncalled), total)
	if code != 0 || given("test.run") || given("test.skip") || given("test.list") || len(uncalled) == 0 {
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
	return here.stack.StartGateway(ctx, stack.GatewayOptions{ConfigFile: config, Env: env})
}

// given reports whether a flag is on the command line.
func given(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}
