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

// The keys of dev/stack/keys.yaml: WriterKey may do everything in namespace default, ReaderKey may look.
const (
	WriterKey = "fg_dev_00000000000000000000000000000000"
	ReaderKey = "fg_read_00000000000000000000000000000000"
)

const (
	loopbackIP = "127.0.0.1"
	// stopTimeout is what a process gets to end in peace.
	stopTimeout = 15 * time.Second
)

// Options says what differs between one stack and another. The zero value is a good stack, on free ports.
type Options struct {
	// TemporalPort is where Temporal's frontend listens; 0 takes a free port.
	TemporalPort int
	// Namespaces exist beside "default". The sample worker serves "default" only.
	Namespaces []string
	// GatewayBinary is the gateways' executable; empty means bin/gateway of the repository.
	GatewayBinary string
	// Log receives what Temporal, the worker and the gateways write; nil discards it.
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

// Start runs Temporal and the sample worker; gateways come by StartGateway.
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
		return nil, errors.Join(err, stack.Stop()) //nolint:contextcheck // what was started is stopped, ctx or not
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

// Temporal is the server behind the gateways.
func (s *Stack) Temporal() *temporal.Server { return s.temporal }

// Client goes to Temporal past the gateways, so that a test can see what a gateway did.
func (s *Stack) Client() client.Client { return s.client }

// Stop ends the gateways, each after it has drained or the time for it is over, then the worker, then Temporal.
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
