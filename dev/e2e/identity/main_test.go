package identity_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"go.temporal.io/server/common/testing/freeport"

	"github.com/flowgate/flowgate/dev/stack"
	"github.com/flowgate/flowgate/dev/temporal"
)

// keyRefresh is the interval at which the Temporal server fetches the signing keys of the gateway. It must be less than
// half of publishAhead in gatewayYAML.
const keyRefresh = 2 * time.Second

// environment contains the servers that all tests share.
type environment struct {
	files         files
	server        *temporal.Server
	gateway       *stack.Gateway
	signingKeyLog signingKeyLog
}

// shared is set by TestMain before the tests run.
var shared environment //nolint:gochecknoglobals // the only way from TestMain to the tests

func TestMain(m *testing.M) { os.Exit(stack.RunTests("identity", m, run)) }

func run(ctx context.Context, log io.Writer, tests func() int) (code int, err error) {
	dir, err := os.MkdirTemp("", "identity")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if shared.files, err = writeFiles(dir); err != nil {
		return 0, err
	}
	stop, err := startAll(ctx, log)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return tests(), nil
}

// startAll starts a Temporal server with an authorizer, and a gateway whose signing keys the server trusts. It also
// starts a [stack.Stack], because only a stack can start a gateway. The tests do not use the Temporal server of the
// stack. That server has no authorizer, because an authorizer would reject the stack's sample worker, which has no token.
func startAll(ctx context.Context, log io.Writer) (stop func() error, err error) {
	port := freeport.MustGetFreePort()
	shared.server, err = temporal.Start(ctx, temporal.Options{
		Namespaces: []string{otherNamespace},
		KeySources: []string{fmt.Sprintf("http://127.0.0.1:%d%s", port, jwksPath)},
		KeyRefresh: keyRefresh,
		Log:        log,
	})
	if err != nil {
		return nil, err
	}
	s, err := stack.Start(ctx, stack.Options{GatewayBinary: os.Getenv("GATEWAY_BINARY"), Log: log})
	if err != nil {
		return nil, errors.Join(err, shared.server.Stop()) //nolint:contextcheck // cleanup must run even if ctx is done
	}
	stop = func() error { return errors.Join(s.Stop(), shared.server.Stop()) }
	shared.gateway, err = s.StartGateway(ctx, stack.GatewayOptions{
		Port:       port,
		ConfigFile: shared.files.config,
		Log:        io.MultiWriter(log, &shared.signingKeyLog),
		Env:        []string{"FLOWGATE_UPSTREAM_ADDRESS=" + shared.server.Address()},
	})
	if err == nil {
		err = awaitTrust(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}

// awaitTrust waits until the server has fetched the signing keys. The gateway starts after the server, so the first
// fetch fails.
func awaitTrust(ctx context.Context) error {
	const pause = 50 * time.Millisecond
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		response, err := bearer(readerKey).send(ctx, http.MethodGet, workflows(defaultNamespace)+":count", "")
		if err == nil && response.status == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the server to trust the gateway: %w: %d %s", errors.Join(ctx.Err(), err), response.status, response.body)
		case <-ticker.C:
		}
	}
}
