// Command with-stack runs another command with a stack of its own: a Temporal server, the sample worker and a gateway,
// all on free ports. The command finds them by its environment, and its exit code becomes that of with-stack:
//
//	with-stack COMMAND ARGS...
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/flowgate/flowgate/dev/sample"
	"github.com/flowgate/flowgate/dev/stack"
)

const (
	failed = 1
	usage  = 2
	// signalExitBase is what a shell adds to the signal that ended a command.
	signalExitBase = 128
	// startTimeout is what the stack gets to become ready, stopTimeout what the command gets to end in peace.
	startTimeout, stopTimeout = time.Minute, 10 * time.Second
)

func main() {
	// A second Ctrl-C changes nothing: everything stops within bounds, and an impatient end would leave the gateway behind.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "with-stack:", err)
		code = cmp.Or(code, failed)
	}
	os.Exit(code)
}

// run returns the command's exit code, and what went wrong besides.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int, err error) {
	if len(args) == 0 {
		return usage, errors.New("usage: with-stack COMMAND ARGS")
	}
	log, err := stack.CreateLog("with-stack.log")
	if err != nil {
		return failed, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s, err := stack.Start(starting, stack.Options{GatewayBinary: os.Getenv("GATEWAY_BINARY"), Log: log})
	if err != nil {
		return failed, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	gateway, err := s.StartGateway(starting, stack.GatewayOptions{})
	if err != nil {
		return failed, err
	}
	command := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // it is there to run what it is told to
	command.Env = append(os.Environ(), environment(s, gateway)...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, stdout, stderr
	code, err = runGroup(command)
	select {
	case <-gateway.Done():
		err = errors.Join(err, errors.New("the gateway ended by itself"), gateway.Err())
	default:
	}
	return code, err
}

// environment is where the stack is, and how to call its gateway. The address of Temporal, by the name of the gateway's own
// setting, is for suites that start gateways themselves.
func environment(s *stack.Stack, gateway *stack.Gateway) []string {
	return []string{
		"FLOWGATE_URL=" + gateway.URL,
		"FLOWGATE_ADMIN_URL=" + gateway.AdminURL,
		"FLOWGATE_KEY=" + stack.WriterKey,
		"FLOWGATE_READER_KEY=" + stack.ReaderKey,
		"FLOWGATE_NAMESPACE=default",
		"FLOWGATE_TASK_QUEUE=" + sample.TaskQueue,
		"FLOWGATE_UPSTREAM_ADDRESS=" + s.Temporal().Address(),
	}
}

// runGroup runs a command and everything that it starts in a process group of their own, so that whoever stops with-stack
// stops them all, and nothing outlives the stack.
func runGroup(command *exec.Cmd) (code int, err error) {
	signalGroup := func(signal syscall.Signal) error { return syscall.Kill(-command.Process.Pid, signal) }
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return signalGroup(syscall.SIGTERM) }
	command.WaitDelay = stopTimeout
	err = command.Run()
	if command.Process == nil {
		return failed, err
	}
	_ = signalGroup(syscall.SIGKILL)
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return signalExitBase + int(status.Signal()), nil
	}
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		err = nil
	}
	return command.ProcessState.ExitCode(), err
}
