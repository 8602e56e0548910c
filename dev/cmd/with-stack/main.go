// Command with-stack starts a Temporal server, the sample worker and a gateway on free ports and runs another command.
// Environment variables of that command contain their addresses, and with-stack exits with the command's exit code:
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
	exitFailure = 1
	exitUsage   = 2
	// signalExitBase is added to the number of the signal that ended the command, as shells do.
	signalExitBase = 128
	// startTimeout is the maximum time for the stack to become ready, stopTimeout that for the command to stop.
	startTimeout, stopTimeout = time.Minute, 10 * time.Second
)

func main() {
	// A second Ctrl-C has no effect. The command and the stack stop within a time limit, and an early exit would leave
	// the gateway running.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "with-stack:", err)
		code = cmp.Or(code, exitFailure)
	}
	os.Exit(code)
}

// run runs the command and returns its exit code. The error reports a failure of anything except the command.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int, err error) {
	if len(args) == 0 {
		return exitUsage, errors.New("usage: with-stack COMMAND ARGS")
	}
	log, err := stack.CreateLog("with-stack.log")
	if err != nil {
		return exitFailure, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s, err := stack.Start(starting, stack.Options{GatewayBinary: os.Getenv("GATEWAY_BINARY"), Log: log})
	if err != nil {
		return exitFailure, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	gateway, err := s.StartGateway(starting, stack.GatewayOptions{})
	if err != nil {
		return exitFailure, err
	}
	command := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // running a given command is the purpose of this program
	command.Env = append(os.Environ(), environment(s, gateway)...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, stdout, stderr
	code, err = runGroup(command)
	select {
	case <-gateway.Done():
		err = errors.Join(err, errors.New("the gateway exited unexpectedly"), gateway.Err())
	default:
	}
	return code, err
}

// environment returns the variables with the addresses of the stack and the API keys of its gateway. The variable with
// the address of Temporal is the one that configures a gateway, so that gateways started by the command use it.
func environment(s *stack.Stack, gateway *stack.Gateway) []string {
	return []string{
		"FLOWGATE_URL=" + gateway.URL,
		"FLOWGATE_ADMIN_URL=" + gateway.AdminURL,
		"FLOWGATE_ADMIN_KEY=" + stack.AdminKey,
		"FLOWGATE_KEY=" + stack.WriterKey,
		"FLOWGATE_READER_KEY=" + stack.ReaderKey,
		"FLOWGATE_NAMESPACE=default",
		"FLOWGATE_TASK_QUEUE=" + sample.TaskQueue,
		"FLOWGATE_UPSTREAM_ADDRESS=" + s.Temporal().Address(),
	}
}

// runGroup runs a command in its own process group, so that stopping with-stack stops the command and all processes
// that it started.
func runGroup(command *exec.Cmd) (code int, err error) {
	signalGroup := func(signal syscall.Signal) error { return syscall.Kill(-command.Process.Pid, signal) }
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return signalGroup(syscall.SIGTERM) }
	command.WaitDelay = stopTimeout
	err = command.Run()
	if command.Process == nil {
		return exitFailure, err
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
