package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/flowgate/flowgate/dev/progress"
)

// RunOptions configure [Run]. Only Ports has no default.
type RunOptions struct {
	Ports Ports
	// Build is the command that builds the gateway in the repository's root; empty means make build.
	Build []string
	// GatewayBinary is the executable that Build creates; empty means bin/gateway in the repository.
	GatewayBinary string
	// Env is added to the gateway's environment.
	Env []string
	// LogFile receives the output of Temporal, the worker and the gateway; empty means bin/stack.log in the repository.
	LogFile string
	// Out receives messages for the user; nil means standard output.
	Out io.Writer
}

// Run implements make run: it builds the gateway, runs it on a stack with fixed ports, and prints how to use it. It
// returns nil when ctx is done, and an error if the gateway exits before that.
func Run(ctx context.Context, options RunOptions) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	options = options.withDefaults(root)
	if err := options.Ports.Check(); err != nil {
		return err
	}
	log, err := createLog(options.LogFile)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	r := &runner{options: options, root: root, log: log, progress: progress.New(options.Out)}
	err = r.run(ctx)
	if ctx.Err() != nil {
		// An interrupt is not a failure, and stop has already printed its own error.
		return nil
	}
	return err
}

func (o RunOptions) withDefaults(root string) RunOptions {
	if len(o.Build) == 0 {
		o.Build = []string{"make", "--no-print-directory", "build"}
	}
	if o.LogFile == "" {
		o.LogFile = filepath.Join(root, "bin", "stack.log")
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	return o
}

// CreateLog creates a log file in the directory bin of the repository.
func CreateLog(name string) (*os.File, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	return createLog(filepath.Join(root, "bin", name))
}

func createLog(name string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, fmt.Errorf("create the directory of the log: %w", err)
	}
	// O_APPEND, because two stacks on different ports may write to one log.
	log, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create the log: %w", err)
	}
	return log, nil
}

// runner contains the state of [Run].
type runner struct {
	options  RunOptions
	root     string
	log      io.Writer
	progress *progress.Progress
}

func (r *runner) run(ctx context.Context) (err error) {
	if err := r.build(ctx); err != nil {
		return err
	}
	stack, err := r.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop(stack)) }()
	gateway, err := r.startGateway(ctx, stack)
	if err != nil {
		return err
	}
	r.welcome(stack, gateway)
	select {
	case <-ctx.Done():
		return nil
	case <-gateway.Done():
		return errors.Join(errors.New("the gateway exited unexpectedly"), gateway.Err())
	}
}

func (r *runner) build(ctx context.Context) error {
	command := exec.Command(r.options.Build[0], r.options.Build[1:]...) //nolint:noctx // wait stops it gracefully
	command.Dir = r.root
	return r.progress.Step("building the gateway (the first build takes minutes)", nil, func() error {
		process, err := startProcess(command, r.log)
		if err != nil {
			return err
		}
		if err := process.wait(ctx); err != nil {
			return fmt.Errorf("build the gateway: %w\n%s", err, process.logTail())
		}
		return nil
	})
}

func (r *runner) start(ctx context.Context) (stack *Stack, err error) {
	err = r.progress.Step("starting Temporal and the sample worker", nil, func() (err error) {
		stack, err = Start(ctx, Options{
			TemporalPort:  r.options.Ports.Temporal,
			GatewayBinary: r.options.GatewayBinary,
			Log:           r.log,
		})
		return err
	})
	return stack, err
}

func (r *runner) startGateway(ctx context.Context, stack *Stack) (gateway *Gateway, err error) {
	err = r.progress.Step("starting the gateway", nil, func() (err error) {
		gateway, err = stack.StartGateway(ctx, GatewayOptions{
			Port:      r.options.Ports.Gateway,
			AdminPort: r.options.Ports.Admin,
			Env:       r.options.Env,
		})
		return err
	})
	return gateway, err
}

func (r *runner) stop(stack *Stack) error {
	err := r.progress.Step("stopping the gateway, the worker and Temporal", nil, stack.Stop)
	if err != nil {
		r.progress.Println(err.Error())
	}
	r.progress.Println("stopped")
	return err
}
