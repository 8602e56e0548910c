package deploytest

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// startTimeout is the maximum time for a program to become ready, stopTimeout that for it to exit after SIGTERM.
	startTimeout, stopTimeout = 30 * time.Second, 60 * time.Second
	pollInterval              = 20 * time.Millisecond
)

// Process is a program that a test has started.
type Process struct {
	command *exec.Cmd
	output  output
	done    chan struct{}
	err     error
}

// Start starts a program. At the end of the test it receives SIGTERM, and SIGKILL if it does not exit within a minute. If
// the test fails, its output is logged.
func Start(t testing.TB, command *exec.Cmd) *Process {
	t.Helper()
	p := &Process{command: command, done: make(chan struct{})}
	command.Stdout, command.Stderr = &p.output, &p.output
	require.NoError(t, command.Start())
	go func() {
		p.err = command.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.Stop()
		if t.Failed() {
			t.Logf("%s:\n%s", command.Path, p.Output())
		}
	})
	return p
}

// Output returns what the program has written to standard output and standard error.
func (p *Process) Output() string { return p.output.String() }

// Done returns a channel that is closed when the program has exited.
func (p *Process) Done() <-chan struct{} { return p.done }

// Signal sends a signal to the program.
func (p *Process) Signal(signal os.Signal) error { return p.command.Process.Signal(signal) }

// Stop ends the program by SIGTERM, waits for its end and returns its error. It kills a program that does not exit within
// a minute.
func (p *Process) Stop() error {
	_ = p.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(stopTimeout, func() { _ = p.command.Process.Kill() })
	defer timer.Stop()
	<-p.done
	return p.err
}

// AwaitOK waits until a GET request of the URL gets the status 200. The test fails if the program exits or does not
// respond so within 30 seconds.
func (p *Process) AwaitOK(t testing.TB, url string) {
	t.Helper()
	deadline := time.After(startTimeout)
	for !respondsOK(url) {
		select {
		case <-p.done:
			require.FailNowf(t, "the program exited", "%v\n%s", p.err, p.Output())
		case <-deadline:
			require.FailNowf(t, "the program is not ready", "%s does not respond with 200:\n%s", url, p.Output())
		case <-time.After(pollInterval):
		}
	}
}

func respondsOK(url string) bool {
	response, err := http.Get(url) //nolint:gosec,noctx // the test's own server on loopback
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// output collects the output of a program, which is written while the test reads it.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(data)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}
