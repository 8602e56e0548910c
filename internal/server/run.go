package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/drain"
	"github.com/flowgate/flowgate/internal/handlers"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/temporalhttp"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Options holds what Run needs besides the configuration. The zero value serves on the network and writes no log.
type Options struct {
	Version string
	// Public and Admin are listeners to serve on instead of the configured
	// addresses. Run closes them.
	Public, Admin net.Listener
	// Dial opens connections to the upstream; nil uses the network.
	Dial upstream.Dialer
	// KeyTransport fetches the keys of JWT issuers; nil uses the network.
	KeyTransport http.RoundTripper
	// Log receives the log; nil discards it.
	Log io.Writer
	// Getenv looks up the environment variables of OpenTelemetry; nil means that none is set.
	Getenv func(string) string
}

// ConfigurationError is an invalid configuration, file or environment variable, which a restart does not change.
type ConfigurationError struct{ err error }

func (e *ConfigurationError) Error() string { return e.err.Error() }

func (e *ConfigurationError) Unwrap() error { return e.err }

// lastWrites is the maximum time for each of the last steps of a drain: to write the last responses, to close the
// connections of a server, and to flush the telemetry.
const lastWrites = 5 * time.Second

// lastRequests is the maximum time for which a drain waits for requests on connections that were opened before the
// listener closed.
const lastRequests = time.Second

// Run serves until ctx is done, and then drains (see package drain): it fails the readiness probe, serves for the drain
// delay, ends the waits, completes the requests in flight, and stops. It returns nil after a complete drain, and a
// [ConfigurationError] if the configuration, or a file or environment variable that it uses, is invalid.
func Run(ctx context.Context, cfg *config.Config, options Options) error {
	g, err := build(ctx, cfg, options)
	if err != nil {
		return err
	}
	return g.run(ctx)
}

// gateway holds the components of the gateway.
type gateway struct {
	cfg      *config.Config
	log      *slog.Logger
	metrics  *telemetry.Metrics
	identity identity
	tracing  *telemetry.Tracing
	upstream *upstream.Client
	api      *handlers.API     // the client API
	temporal *temporalhttp.API // the Temporal HTTP API
	gate     *drain.Gate       // the phase of the drain, and the requests in flight
	public   *http.Server
	admin    *http.Server

	publicListener *drain.Listener
	adminListener  net.Listener
	connections    *drain.Connections // of the public listener

	// requests is the parent of every request's context.
	requests    context.Context //nolint:containedctx // for http.Server.BaseContext
	endRequests context.CancelCauseFunc

	// watchers are the loops that watch files and the upstream's health.
	watchers   []func(context.Context)
	stop       context.CancelFunc // cancels background
	background context.Context    //nolint:containedctx // the context of the watchers and the shared polls
}

func (g *gateway) run(ctx context.Context) error {
	defer g.close()
	var loops sync.WaitGroup
	defer loops.Wait()
	defer g.stop()
	for _, watch := range g.watchers {
		loops.Go(func() { watch(g.background) })
	}
	for _, warning := range g.warnings() {
		g.log.Warn("calls will be rejected", slog.String("warning", warning))
	}
	public := serve(g.public, g.publicListener)
	admin := serve(g.admin, g.adminListener)
	g.log.Info("serving", slog.String("public", g.publicListener.Addr().String()), slog.String("admin", g.adminListener.Addr().String()),
		slog.String("upstream", g.cfg.Upstream.Address))
	var err error
	select {
	case <-ctx.Done():
	case err = <-public:
	case err = <-admin:
	}
	g.drain(public)
	for range admin { // until the goroutine of serve has ended
	}
	return err
}

// serve starts a goroutine that accepts connections until the server stops. The channel then receives the error, if
// there is one, and is closed.
func serve(server *http.Server, listener net.Listener) <-chan error {
	ended := make(chan error, 1)
	go func() {
		defer close(ended)
		var err error
		if server.TLSConfig != nil {
			err = server.ServeTLS(listener, "", "")
		} else {
			err = server.Serve(listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			ended <- fmt.Errorf("serve %s: %w", listener.Addr(), err)
		}
	}()
	return ended
}

// drain stops serving. Every request that has arrived receives a response.
func (g *gateway) drain(public <-chan error) {
	g.log.Info("draining", slog.String("delay", g.cfg.Listen.DrainDelay.String()))
	g.gate.Advance(drain.Draining)
	time.Sleep(g.cfg.Listen.DrainDelay)
	g.gate.Advance(drain.Rejecting)
	g.api.Drain()
	g.temporal.Drain()
	if !g.gate.Await(g.cfg.Listen.DrainTimeout) {
		g.log.Warn("requests in flight are ended", slog.String("after", g.cfg.Listen.DrainTimeout.String()))
		g.endRequests(problem.New(problem.Draining,
			"This replica stopped before the call had ended. A write may have taken effect."))
		g.gate.Await(lastWrites)
	}
	g.publicListener.Drain()
	for range public { // until Serve has returned, after which every accepted connection is tracked
	}
	g.connections.Await(lastRequests)
	for _, server := range []*http.Server{g.public, g.admin} {
		ctx, cancel := context.WithTimeout(context.Background(), lastWrites)
		if err := server.Shutdown(ctx); err != nil {
			_ = server.Close()
		}
		cancel()
	}
	g.log.Info("stopped")
}

// close releases all resources. The servers and the watchers must have stopped.
func (g *gateway) close() {
	g.stop()
	g.endRequests(nil)
	g.api.Close()
	_ = g.upstream.Close()
	ctx, cancel := context.WithTimeout(context.Background(), lastWrites)
	defer cancel()
	if err := errors.Join(g.tracing.Shutdown(ctx), g.metrics.Shutdown(ctx)); err != nil {
		g.log.Warn("telemetry was not flushed", slog.Any("error", err))
	}
}
