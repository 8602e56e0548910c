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

// process is a child in a process group of its own. A Ctrl-C in the terminal reaches the terminal's group only, so that
// the stack alone decides when its children end.
type process struct {
	name  string
	child *os.Process
	log   *lineLog
	done  chan struct{}
	err   error // how it ended; valid once done is closed
}

func startProcess(command *exec.Cmd, log io.Writer) (*process, error) {
	const outputDelay = time.Second // for a grandchild that keeps the output open
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

// wait returns how the process ended, or stops it when ctx ends first.
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

// stop asks the process group to end. When ctx ends first it is killed, and that is an error.
func (p *process) stop(ctx context.Context) error {
	p.signalGroup(syscall.SIGTERM)
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("%s did not end when asked to, and was killed: %w", p.name, ctx.Err())
	}
}

// kill ends the process group without asking.
func (p *process) kill() {
	p.signalGroup(syscall.SIGKILL)
	<-p.done
}

// signalGroup leaves a process that has ended alone: its number may be another's by now.
func (p *process) signalGroup(signal syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.child.Pid, signal)
	}
}

// logTail is the end of the log, for an error that has to explain itself.
func (p *process) logTail() string {
	const enough = 20
	lines := p.log.lines()
	return strings.Join(lines[max(0, len(lines)-enough):], "\n")
}
