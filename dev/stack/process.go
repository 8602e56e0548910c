package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// process is a child in its own process group. Ctrl-C in the terminal does not reach it, so that it ends only when the
// stack stops it.
type process struct {
	name  string
	child *os.Process
	log   *lineLog
	done  chan struct{}
	err   error // the error of exec.Cmd.Wait; valid once done is closed
}

func startProcess(command *exec.Cmd, log io.Writer) (*process, error) {
	// outputDelay limits the wait for the end of the output, which a grandchild may keep open.
	const outputDelay = time.Second
	p := &process{name: command.Args[0], log: &lineLog{forward: log}, done: make(chan struct{})}
	command.Stdout, command.Stderr = p.log, p.log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.WaitDelay = outputDelay
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	p.child = command.Process
	go func() {
		p.err = command.Wait()
		p.log.flush()
		close(p.done)
	}()
	return p, nil
}

// wait returns the result of the process. It stops the process if ctx is done first.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		return errors.Join(context.Cause(ctx), p.stop(bounded))
	}
}

// stop terminates the process group. If ctx is done first, stop kills the group and returns an error.
func (p *process) stop(ctx context.Context) error {
	p.signalGroup(syscall.SIGTERM)
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("%s did not stop on a signal and was killed: %w", p.name, ctx.Err())
	}
}

// kill kills the process group and waits for the process to exit.
func (p *process) kill() {
	p.signalGroup(syscall.SIGKILL)
	<-p.done
}

// signalGroup signals the process group, unless the process has exited: its id may have been reused.
func (p *process) signalGroup(signal syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.child.Pid, signal)
	}
}

// logTail returns the last lines of the log for an error message.
func (p *process) logTail() string {
	const count = 20
	lines := p.log.lines()
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
