package stack

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"
)

// GatewayOptions configure a gateway of a stack. The zero value means the configuration of make run on free ports.
type GatewayOptions struct {
	// Port and AdminPort are the ports of the gateway; 0 means a free port. If either is 0, the addresses are read from
	// the gateway's log, which must then be JSON and include level info.
	Port, AdminPort int
	// ConfigFile is the configuration file; empty means dev/stack/gateway.yaml in the repository.
	ConfigFile string
	// Env contains additional environment variables as "NAME=value". They override the variables that the stack sets: the
	// addresses of the listeners and of Temporal.
	Env []string
	// Wrapper is a command that receives the gateway's command line as its last arguments and executes it in its own
	// process, for example in a cgroup; empty means none.
	Wrapper []string
	// Log receives the gateway's output; nil means the stack's log.
	Log io.Writer
}

// Gateway is a running gateway process.
type Gateway struct {
	// URL is the address of the public listener, AdminURL that of the admin listener, both without a trailing slash.
	URL, AdminURL string
	process       *process
}

// StartGateway starts another gateway and returns once it is ready. If the gateway exits or ctx is done before that, it
// returns an error with the last lines of the gateway's log.
func (s *Stack) StartGateway(ctx context.Context, options GatewayOptions) (*Gateway, error) {
	public, admin := loopback(options.Port), loopback(options.AdminPort)
	log := options.Log
	if log == nil {
		log = s.log
	}
	config := cmp.Or(options.ConfigFile, s.configFile)
	args := append(slices.Clone(options.Wrapper), s.gatewayBinary, "serve", "--config", config)
	command := exec.Command(args[0], args[1:]...) //nolint:noctx // ctx limits the start, not the gateway
	command.Env = append(os.Environ(),
		"FLOWGATE_LISTEN_PUBLIC="+public,
		"FLOWGATE_LISTEN_ADMIN="+admin,
		"FLOWGATE_UPSTREAM_ADDRESS="+s.temporal.Address(),
	)
	command.Env = append(command.Env, options.Env...)
	process, err := startProcess(command, log)
	if err != nil {
		return nil, err
	}
	gateway := &Gateway{process: process}
	if options.Port != 0 && options.AdminPort != 0 {
		gateway.setAddresses(public, admin)
	}
	if err := gateway.awaitReady(ctx); err != nil {
		process.kill()
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateways = append(s.gateways, gateway)
	return gateway, nil
}

// PID returns the gateway's process id.
func (g *Gateway) PID() int { return g.process.child.Pid }

// Logs returns the latest lines of the gateway's log, oldest first.
func (g *Gateway) Logs() []string { return g.process.log.lines() }

// Signal sends a signal to the gateway and does not wait for its effect.
func (g *Gateway) Signal(signal os.Signal) error {
	if err := g.process.child.Signal(signal); err != nil {
		return fmt.Errorf("signal the gateway: %w", err)
	}
	return nil
}

// Done returns a channel that is closed when the gateway has exited. [Gateway.Err] then returns the result.
func (g *Gateway) Done() <-chan struct{} { return g.process.done }

// Err returns nil while the gateway runs and after it has exited with 0. Otherwise it returns an error with the last
// lines of the log.
func (g *Gateway) Err() error {
	select {
	case <-g.process.done:
	default:
		return nil
	}
	if g.process.err == nil {
		return nil
	}
	return fmt.Errorf("the gateway exited: %w\n%s", g.process.err, g.process.logTail())
}

// Stop drains the gateway and returns once it has exited. If ctx is done first, Stop kills the gateway and returns an
// error. It also returns an error if the gateway exits with one. If the gateway has already exited, Stop returns nil.
func (g *Gateway) Stop(ctx context.Context) error {
	select {
	case <-g.process.done:
		return nil
	default:
	}
	if err := g.process.stop(ctx); err != nil {
		return fmt.Errorf("stop the gateway: %w", err)
	}
	return nil
}

func (g *Gateway) setAddresses(public, admin string) {
	g.URL, g.AdminURL = "http://"+public, "http://"+admin
}

// awaitReady polls the admin listener, which serves plain HTTP even if the public listener uses TLS.
func (g *Gateway) awaitReady(ctx context.Context) error {
	const pause = 20 * time.Millisecond
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for !g.addressesKnown() || !g.ready(ctx) {
		select {
		case <-g.Done():
			return fmt.Errorf("the gateway exited before it was ready: %w\n%s", g.process.err, g.process.logTail())
		case <-ctx.Done():
			return fmt.Errorf("wait for the gateway: %w\n%s", ctx.Err(), g.process.logTail())
		case <-ticker.C:
		}
	}
	return nil
}

// addressesKnown reports whether the addresses of the gateway are known. A free port chosen in advance could be taken
// by the time the gateway listens, so the gateway chooses its ports and logs them.
func (g *Gateway) addressesKnown() bool {
	if g.AdminURL != "" {
		return true
	}
	for _, line := range g.Logs() {
		var entry struct {
			Message string `json:"msg"`
			Public  string `json:"public"`
			Admin   string `json:"admin"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Message == "serving" {
			g.setAddresses(entry.Public, entry.Admin)
			return true
		}
	}
	return false
}

func (g *Gateway) ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.AdminURL+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func loopback(port int) string {
	return net.JoinHostPort(loopbackIP, strconv.Itoa(port))
}
