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
	"strconv"
	"time"
)

// GatewayOptions says what differs between one gateway of a stack and another. The zero value is the gateway of
// make run, on free ports.
type GatewayOptions struct {
	// Port and AdminPort are where the gateway listens; 0 takes a free port. Which one that is, and what Env made of
	// it, is then read from what the gateway logs: it has to log in JSON, at level info at least.
	Port, AdminPort int
	// ConfigFile replaces the repository's dev/stack/gateway.yaml.
	ConfigFile string
	// Env is added to the environment, "NAME=value" each, and wins over what the stack itself sets there: the addresses
	// of the listeners and of Temporal.
	Env []string
	// Log receives what the gateway writes; nil means the stack's log.
	Log io.Writer
}

// Gateway is a running gateway process.
type Gateway struct {
	// URL is the public listener, AdminURL the other one; both without a slash at the end.
	URL, AdminURL string
	process       *process
}

// StartGateway starts one more gateway and returns once it is ready. A gateway that ends instead is an error that
// carries its last words; so is ctx, when it ends first.
func (s *Stack) StartGateway(ctx context.Context, options GatewayOptions) (*Gateway, error) {
	public, admin := loopback(options.Port), loopback(options.AdminPort)
	log := options.Log
	if log == nil {
		log = s.log
	}
	config := cmp.Or(options.ConfigFile, s.configFile)
	command := exec.Command(s.gatewayBinary, "serve", "--config", config) //nolint:noctx // ctx bounds the start, not the gateway
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

// PID is the gateway's process id.
func (g *Gateway) PID() int { return g.process.child.Pid }

// Logs are the latest lines that the gateway wrote, oldest first.
func (g *Gateway) Logs() []string { return g.process.log.lines() }

// Signal sends the gateway a signal, without waiting for what it does.
func (g *Gateway) Signal(signal os.Signal) error {
	if err := g.process.child.Signal(signal); err != nil {
		return fmt.Errorf("signal the gateway: %w", err)
	}
	return nil
}

// Done is closed when the gateway has ended; Err then says how.
func (g *Gateway) Done() <-chan struct{} { return g.process.done }

// Err is nil while the gateway runs and after it ended well; otherwise it carries the gateway's last words.
func (g *Gateway) Err() error {
	select {
	case <-g.process.done:
	default:
		return nil
	}
	if g.process.err == nil {
		return nil
	}
	return fmt.Errorf("the gateway ended: %w\n%s", g.process.err, g.process.logTail())
}

// Stop lets the gateway drain and returns once it has ended. When ctx ends first the gateway is killed, and that is an
// error, as is a gateway that ends badly. A gateway that has ended before is none of this call's business.
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

// awaitReady asks the admin listener, which speaks plain HTTP whatever the public one speaks.
func (g *Gateway) awaitReady(ctx context.Context) error {
	const pause = 20 * time.Millisecond
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for !g.addressesKnown() || !g.ready(ctx) {
		select {
		case <-g.Done():
			return fmt.Errorf("the gateway ended before it was ready: %w\n%s", g.process.err, g.process.logTail())
		case <-ctx.Done():
			return fmt.Errorf("wait for the gateway: %w\n%s", ctx.Err(), g.process.logTail())
		case <-ticker.C:
		}
	}
	return nil
}

// addressesKnown reports whether it is known where the gateway listens. A port that was picked for it could be another's by the
// time it listens, so it picks its own and says so.
func (g *Gateway) addressesKnown() bool {
	if g.AdminURL != "" {
		return true
	}
	for _, line := range g.Logs() {
		var said struct {
			Message string `json:"msg"`
			Public  string `json:"public"`
			Admin   string `json:"admin"`
		}
		if json.Unmarshal([]byte(line), &said) == nil && said.Message == "serving" {
			g.setAddresses(said.Public, said.Admin)
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
