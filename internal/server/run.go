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

// Options replace parts of the gateway's environment. The zero value replaces
// nothing.
type Options struct {
	Version string
	// Public and Admin are listeners to serve on instead of the configured
	// addresses. Run closes them.
	Public, Admin net.Listener
	// Dial opens connections to the upstream; nil uses the network.
	Dial upstream.Dialer
	// KeyTransport fetches the keys of token issuers; nil uses the network.
	KeyTransport http.RoundTripper
	// Log receives the log; nil discards it.
	Log io.Writer
	// Getenv returns the OpenTelemetry variables; nil means that none is set.
	Getenv func(string) string
}

// lastWrites is the time for writing the last responses, once no request is in
// flight.
const lastWrites = 5 * time.Second

// lastRequests is the time for requests to arrive on connections that were opened
// before the listener closed.
const lastRequests = time.Second

// Run serves until ctx ends, and then drains (see package drain): it reports not
// ready, serves for the drain delay, ends the waits, completes the requests in
// flight, and stops. It returns nil after an orderly shutdown.
func Run(ctx context.Context, cfg *config.Config, options Options) error {
	g, err := build(ctx, cfg, options)
	if err != nil {
		return err
	}
	return g.run(ctx)
}

// gateway is a running gateway.
type gateway struct {
	cfg      *config.Config
	log      *slog.Logger
	metrics  *telemetry.Metrics
	identity identity
	tracing  *telemetry.Tracing
	upstream *upstream.Client
	api      *handlers.API
	temporal *temporalhttp.API
	gate     *drain.Gate
	public   *http.Server
	admin    *http.Server

	publicListener *drain.Listener
	adminListener  net.Listener
	connections    *drain.Connections // of the public listener

	// requests is the parent of every request's context.
	requests    context.Context //nolint:containedctx // as http.Server.BaseContext wants it
	endRequests context.CancelCauseFunc

	// watchers are the loops that watch files and the upstream's health.
	watchers   []func(context.Context)
	stop       context.CancelFunc // ends the watchers and the shared polls
	background context.Context    //nolint:containedctx // of work that is not bound to one request
}

func (g *gateway) run(ctx context.Context) error {
	defer g.close()
	var loops sync.WaitGroup
	defer loops.Wait()
	defer g.stop()
	for _, watch := range g.watchers {
		loops.Go(func() { watch(g.background) })
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
	for range admin {
	}
	return err
}

// serve accepts connections in its own goroutine, until the listener is closed. The
// channel receives the error, if there was one, and is closed.
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

// drain stops serving such that every request that has begun gets a response.
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
			"This replica stopped before the call had ended. Whether it took effect is not known."))
		g.gate.Await(lastWrites)
	}
	g.publicListener.Drain()
	for range public { // when it is closed, every accepted connection is tracked
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

// close releases all resources when nothing runs any more.
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
