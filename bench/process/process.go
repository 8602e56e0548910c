package process

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// Process is a running child process.
type Process struct {
	// PublicAddress and AdminAddress are the addresses of the listeners of the process.
	PublicAddress, AdminAddress string

	command *exec.Cmd
	stdin   io.Closer
	log     string // path of the log file
	done    chan struct{}
}

// Serving has the members that [Start] reads from the line that a child logs as JSON when it listens. The gateway's line
// has more members.
type Serving struct {
	Message string `json:"msg"`
	Public  string `json:"public"`
	Admin   string `json:"admin"`
}

// ServingMessage is the value of Serving.Message.
const ServingMessage = "serving"

// Start starts a command that logs to the named file, and returns once the command has logged its addresses. The
// standard input of the child is closed when the parent exits, so that the child can detect that and exit too.
func Start(ctx context.Context, command *exec.Cmd, log string) (*Process, error) {
	file, err := os.Create(log) //nolint:gosec // in this program's directory
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // the child has its own descriptor
	command.Stdout, command.Stderr = file, file
	p := &Process{command: command, log: log, done: make(chan struct{})}
	if p.stdin, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = command.Wait() // the process is killed, so an error is expected
		close(p.done)
	}()
	if err := p.awaitServing(ctx); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// Kill kills the process and waits for it to exit.
func (p *Process) Kill() {
	_ = p.command.Process.Kill()
	_ = p.stdin.Close()
	<-p.done
}

// AwaitReady returns once the admin listener reports that the process is ready.
func (p *Process) AwaitReady(ctx context.Context) error {
	return p.await(ctx, "ready", func() bool {
		_, err := get(ctx, "http://"+p.AdminAddress+"/readyz")
		return err == nil
	})
}

func (p *Process) awaitServing(ctx context.Context) error {
	return p.await(ctx, "serving", func() bool {
		text, err := os.ReadFile(p.log)
		if err != nil {
			return false
		}
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			var entry Serving
			if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Message == ServingMessage {
				p.PublicAddress, p.AdminAddress = entry.Public, entry.Admin
				return true
			}
		}
		return false
	})
}

// await polls reached until it returns true or a timeout passes.
func (p *Process) await(ctx context.Context, what string, reached func() bool) error {
	const timeout, pause = 15 * time.Second, 20 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for !reached() {
		select {
		case <-p.done:
			return p.failure(what, errors.New("the process exited"))
		case <-ctx.Done():
			return p.failure(what, ctx.Err())
		case <-ticker.C:
		}
	}
	return nil
}

func (p *Process) failure(what string, err error) error {
	text, _ := os.ReadFile(p.log) // the log has the reason, if it can be read
	return fmt.Errorf("%s is not %s: %w\n%s", p.command.Path, what, err, text[max(0, len(text)-2000):])
}

// get returns the body of the response to a GET request. A status other than 200 is an error.
func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, response.Status)
	}
	return text, err
}
