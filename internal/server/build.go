package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/docs"
	"github.com/flowgate/flowgate/internal/drain"
	"github.com/flowgate/flowgate/internal/handlers"
	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/temporalhttp"
)

// maxStreams is the maximum number of concurrent requests of an HTTP/2 connection.
const maxStreams = 100

// maxFrame is the maximum size of an HTTP/2 frame in bytes, the lowest value that
// RFC 9113 section 4.2 allows. net/http allocates the whole frame when it has read
// the frame header, before a credential is verified, and keeps the memory until the
// connection ends. Its default is 1 MiB.
const maxFrame = 16 << 10

// Check builds the gateway without running it. Its error reports the problems in the files to which the configuration
// refers. The warnings describe which calls a valid configuration will reject.
func Check(cfg *config.Config) (warnings []string, err error) {
	g, err := assemble(context.Background(), cfg, Options{})
	if err != nil {
		return nil, err
	}
	defer g.close()
	return g.warnings(), nil
}

// CheckKeys checks only the API keys file, so that its problems are reported even if the configuration is invalid and
// [Check] cannot run. It returns nil for a file that cannot be read, because loading the configuration reports that.
func CheckKeys(cfg *config.Config) error {
	file := cfg.Auth.APIKeys.File
	if _, err := os.ReadFile(file); file == "" || err != nil {
		return nil //nolint:nilerr // loading the configuration reports it
	}
	// Any credential can stand in for minted tokens here. Without one, each entry with the mode mint would be invalid,
	// although the mistake is in the configuration or in the signing key and not in this file.
	_, err := apikey.Open(file, apikey.Options{CredentialProblem: cfg.PlaintextCredentialProblem(), Mint: auth.NoCredential()})
	return err
}

// build returns a gateway with open listeners.
func build(ctx context.Context, cfg *config.Config, options Options) (*gateway, error) {
	g, err := assemble(ctx, cfg, options)
	if err != nil {
		return nil, &ConfigurationError{err}
	}
	if err := g.listen(options); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

// assemble builds a gateway without listeners. Its watchers and servers do not run yet.
func assemble(ctx context.Context, cfg *config.Config, options Options) (*gateway, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	if options.Getenv == nil {
		options.Getenv = func(string) string { return "" }
	}
	g := &gateway{cfg: cfg, gate: drain.NewGate(), connections: drain.NewConnections(), log: telemetry.NewLogger(options.Log, cfg.Log.Level, cfg.Log.Format)}
	g.background, g.stop = context.WithCancel(context.WithoutCancel(ctx))
	g.requests, g.endRequests = context.WithCancelCause(context.WithoutCancel(ctx))
	readers, err := telemetry.NewMetricReaders(ctx, options.Getenv)
	if err != nil {
		return nil, err
	}
	if g.metrics, err = telemetry.NewMetrics(options.Version, readers...); err != nil {
		return nil, err
	}
	g.metrics.LimitCallers(cfg.Metrics.Callers)
	g.metrics.SetConfiguration(cfg.Hash())
	if g.tracing, err = telemetry.NewTracing(ctx, options.Getenv, options.Version); err != nil {
		return nil, err
	}
	pages, err := newPages(cfg.Docs)
	if err != nil {
		return nil, fmt.Errorf("docs.folder: %w", err)
	}
	if err := g.openIdentity(options); err != nil {
		return nil, err
	}
	if g.upstream, err = g.newUpstream(options); err != nil {
		return nil, err
	}
	front := g.newRequestFront()
	g.api = g.newAPI(options.Version, front)
	if g.temporal, err = temporalhttp.New(temporalhttp.Options{Front: front, LongPoll: cfg.Limits.Timeouts.LongPoll}); err != nil {
		_ = g.upstream.Close()
		return nil, err
	}
	probes := &probes{gate: g.gate, upstream: g.upstream, identity: &g.identity, metrics: g.metrics}
	g.public = g.newServer(g.publicHandler(probes, pages))
	if err := g.configureTLS(); err != nil {
		_ = g.upstream.Close()
		return nil, fmt.Errorf("listen.tls: %w", err)
	}
	g.public.ConnState = g.connections.Track
	g.public.BaseContext = func(net.Listener) context.Context { return g.requests }
	g.admin = g.newServer(newAdmin(probes, g.metrics, lower(cfg.Listen.AdminHosts)))
	return g, nil
}

// listen opens the listeners that options does not provide.
func (g *gateway) listen(options Options) error {
	public, err := listenerOr(options.Public, g.cfg.Listen.Public)
	if err != nil {
		return err
	}
	g.publicListener = &drain.Listener{Listener: public}
	if g.adminListener, err = listenerOr(options.Admin, g.cfg.Listen.Admin); err != nil {
		_ = public.Close()
	}
	return err
}

func listenerOr(given net.Listener, address string) (net.Listener, error) {
	if given != nil {
		return given, nil
	}
	listener, err := net.Listen("tcp", address) //nolint:noctx // it does not block
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}

// smallResponse is the size in bytes up to which a response does not count towards the limit on response bytes in
// flight. A request's connection and goroutine use about as much memory anyway.
const smallResponse = 64 << 10

// minDecoding is the minimum number of large bodies that can be decoded concurrently. On machines with more CPUs, it is
// one body for each CPU.
const minDecoding = 2

// newRequestFront returns the part of request handling that all doors share, with the limits on the requests and bytes
// in flight.
func (g *gateway) newRequestFront() *request.Front {
	limits := g.cfg.Limits.InFlight
	pool := func(size int, gauge, maximum *telemetry.Gauge) *limit.Pool {
		maximum.Set(int64(size))
		return limit.NewPool(limit.PoolConfig{
			Slots: size, Share: limits.CallerShare, Queue: limits.Queue, QueueTime: limits.QueueTime,
		}, gauge)
	}
	bytes := func(total, small int64, gauge, maximum *telemetry.Gauge) *limit.Bytes {
		maximum.Set(total)
		return limit.NewBytes(limit.BytesConfig{
			Total: total, Small: small, Share: limits.CallerShare, Queue: limits.Queue, QueueTime: limits.QueueTime,
		}, gauge)
	}
	inFlight := g.cfg.Limits.BytesInFlight
	return &request.Front{
		Upstream: g.upstream, CallerMetadata: g.cfg.Upstream.CallerMetadata,
		Reads:    pool(limits.Reads, &g.metrics.Reads, &g.metrics.ReadLimit),
		Writes:   pool(limits.Writes, &g.metrics.Writes, &g.metrics.WriteLimit),
		Waits:    pool(limits.Waits, &g.metrics.Waits, &g.metrics.WaitLimit),
		Polls:    pool(limits.Polls, &g.metrics.Polls, &g.metrics.PollLimit),
		Decoding: make(chan struct{}, max(minDecoding, runtime.GOMAXPROCS(0))),
		Bodies: &request.Bodies{
			Max: g.cfg.Limits.MaxBodyBytes, Timeout: g.cfg.Listen.Timeouts.ReadBody,
			Memory: bytes(inFlight.Requests, 0, &g.metrics.RequestBytes, &g.metrics.RequestBytesLimit),
		},
		Responses: bytes(inFlight.Responses, smallResponse, &g.metrics.ResponseBytes, &g.metrics.ResponseBytesLimit),
	}
}

func (g *gateway) newAPI(version string, front *request.Front) *handlers.API {
	conditions := map[string]string{}
	for name, namespace := range g.cfg.Namespaces {
		conditions[name] = namespace.QueryRejectCondition
	}
	return handlers.New(g.background, handlers.Options{
		Front: front, Seals: g.identity.seals, Delegated: g.identity.delegated, MaxTTL: g.cfg.Tokens.MaxTTL,
		Limits: g.cfg.Limits, Retry: g.cfg.Upstream.Retry, QueryRejectConditions: conditions,
		Version: version, Metrics: g.metrics,
	})
}

// newPages returns the pages at /docs, or nil if they are disabled.
func newPages(cfg config.Docs) (*docs.Site, error) {
	if !cfg.Enabled {
		return nil, nil //nolint:nilnil // nil means disabled
	}
	return docs.New(docs.Options{
		Documents: []docs.Document{
			{Title: "Flowgate", Path: "/v1/openapi.json"},
			{Title: "Temporal HTTP API", Path: "/openapi.yaml"},
		},
		Folder: cfg.Folder,
	})
}

func lower(hosts []string) []string {
	lowered := make([]string, len(hosts))
	for i, host := range hosts {
		lowered[i] = strings.ToLower(host)
	}
	return lowered
}

// newServer returns an HTTP server that limits everything that a client controls before a handler runs. HTTP/2 without
// TLS is enabled for load balancers that terminate TLS and use HTTP/2 to the gateway. A door for gRPC will need it too:
// see docs/adr/0012-h2c.md.
func (g *gateway) newServer(handler http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: handler, Protocols: protocols,
		DisableGeneralOptionsHandler: true, // OPTIONS * is handled and logged like all requests
		ReadHeaderTimeout:            g.cfg.Listen.Timeouts.ReadHeader,
		IdleTimeout:                  g.cfg.Listen.Timeouts.Idle,
		MaxHeaderBytes:               g.cfg.Listen.MaxHeaderBytes,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			MaxReadFrameSize:     maxFrame,
			// The write deadline of a response does not apply to frames that belong to the connection. A client could
			// send PING or SETTINGS frames and never read the ACKs: the blocked write would then prevent the idle
			// timeout and keep the connection open.
			WriteByteTimeout: g.cfg.Listen.Timeouts.Write,
		},
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, conn)
		},
		ErrorLog: slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
}
