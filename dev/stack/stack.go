package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/flowgate/flowgate/dev/sample"
	"github.com/flowgate/flowgate/dev/temporal"
)

// The API keys in dev/stack/keys.yaml. On the namespace "default", WriterKey has the role write and ReaderKey the role
// read. AdminKey has the role admin on each namespace whose name starts with "admin-", and lists all namespaces.
const (
	WriterKey = "fg_dev_00000000000000000000000000000000"
	ReaderKey = "fg_read_00000000000000000000000000000000"
	AdminKey  = "fg_admin_00000000000000000000000000000000"
)

const (
	loopbackIP = "127.0.0.1"
	// stopTimeout is the maximum time for a process to stop gracefully.
	stopTimeout = 15 * time.Second
)

// Options configure a stack. The zero value is a valid stack on free ports.
type Options struct {
	// TemporalPort is the port of Temporal's frontend; 0 means a free port.
	TemporalPort int
	// Namespaces are created in addition to "default". The sample worker serves only "default".
	Namespaces []string
	// GatewayBinary is the gateway's executable; empty means bin/gateway in the repository.
	GatewayBinary string
	// Log receives the output of Temporal, the worker and the gateways; nil discards it.
	Log io.Writer
}

// Stack is a running Temporal server with a sample worker, and the gateways in front of it.
type Stack struct {
	temporal      *temporal.Server
	client        client.Client
	worker        worker.Worker
	gatewayBinary string
	configFile    string
	log           io.Writer

	mu       sync.Mutex
	gateways []*Gateway
}

// Start starts Temporal and the sample worker. [Stack.StartGateway] starts gateways.
func Start(ctx context.Context, options Options) (*Stack, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	stack := &Stack{
		gatewayBinary: cmp.Or(options.GatewayBinary, filepath.Join(root, "bin", "gateway")),
		configFile:    filepath.Join(root, defaultConfig),
		log:           io.Discard,
	}
	if options.Log != nil {
		stack.log = options.Log
	}
	if err := stack.start(ctx, options); err != nil {
		return nil, errors.Join(err, stack.Stop()) //nolint:contextcheck // cleanup must run even if ctx is done
	}
	return stack, nil
}

func (s *Stack) start(ctx context.Context, options Options) (err error) {
	s.temporal, err = temporal.Start(ctx, temporal.Options{
		FrontendPort: options.TemporalPort,
		Namespaces:   options.Namespaces,
		Log:          s.log,
	})
	if err != nil {
		return err
	}
	warnings := slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelWarn})
	s.client, err = client.DialContext(ctx, client.Options{
		HostPort: s.temporal.Address(),
		Logger:   sdklog.NewStructuredLogger(slog.New(warnings)),
	})
	if err != nil {
		return fmt.Errorf("connect to Temporal: %w", err)
	}
	sampleWorker := sample.NewWorker(s.client, sample.TaskQueue)
	if err := sampleWorker.Start(); err != nil {
		return fmt.Errorf("start the sample worker: %w", err)
	}
	s.worker = sampleWorker
	return nil
}

// Temporal returns the server behind the gateways.
func (s *Stack) Temporal() *temporal.Server { return s.temporal }

// Client returns a client that calls Temporal directly, so that a test can check what a gateway did.
func (s *Stack) Client() client.Client { return s.client }

// Stop drains and stops the gateways, then the worker, then Temporal. It kills gateways that do not stop within a time
// limit.
func (s *Stack) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make([]error, len(s.gateways)+1)
	var stopping sync.WaitGroup
	for i, gateway := range s.gateways {
		stopping.Go(func() { errs[i] = gateway.Stop(ctx) })
	}
	stopping.Wait()
	if s.worker != nil {
		s.worker.Stop()
	}
	if s.client != nil {
		s.client.Close()
	}
	if s.temporal != nil {
		errs[len(s.gateways)] = s.temporal.Stop()
	}
	return errors.Join(errs...)
}
