package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers"
	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/rpc"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// maxStreams bounds the concurrent requests of one HTTP/2 connection.
const maxStreams = 100

// Check builds everything that a configuration asks for, and runs nothing: it
// finds what only the files behind the configuration can tell.
func Check(cfg *config.Config) error {
	g, err := assemble(context.Background(), cfg, Options{})
	if err != nil {
		return err
	}
	g.close()
	return nil
}

// CheckKeys reads the keys file alone, for a configuration that is at fault
// elsewhere. It says nothing of a file that cannot be read: the configuration
// has.
func CheckKeys(cfg *config.Config) error {
	file := cfg.Auth.APIKeys.File
	if _, err := os.ReadFile(file); file == "" || err != nil {
		return nil //nolint:nilerr // see above
	}
	_, err := auth.OpenKeys(file, auth.RefuseCredentials(cfg.Upstream.RefusesCredentials()))
	return err
}

// build makes a gateway that is ready to run.
func build(ctx context.Context, cfg *config.Config, options Options) (*gateway, error) {
	g, err := assemble(ctx, cfg, options)
	if err != nil {
		return nil, err
	}
	if err := g.listen(options); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

// assemble makes a gateway from its configuration. Nothing runs yet.
func assemble(ctx context.Context, cfg *config.Config, options Options) (*gateway, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	if options.Getenv == nil {
		options.Getenv = func(string) string { return "" }
	}
	g := &gateway{cfg: cfg, gate: newGate(), connections: newConnections(), log: telemetry.NewLogger(options.Log, cfg.Log.Level, cfg.Log.Format)}
	g.life, g.stop = context.WithCancel(context.WithoutCancel(ctx))
	g.requests, g.endRequests = context.WithCancelCause(context.WithoutCancel(ctx))
	var err error
	if g.metrics, err = telemetry.NewMetrics(options.Version); err != nil {
		return nil, err
	}
	if g.tracing, err = telemetry.NewTracing(ctx, options.Getenv, options.Version); err != nil {
		return nil, err
	}
	pages, err := newPages(cfg.Docs)
	if err != nil {
		return nil, fmt.Errorf("docs.folder: %w", err)
	}
	who, err := g.authenticator()
	if err != nil {
		return nil, err
	}
	if g.upstream, err = g.newUpstream(options); err != nil {
		return nil, err
	}
	pools := g.newPools()
	if g.api, err = g.newAPI(options.Version, pools); err != nil {
		_ = g.upstream.Close()
		return nil, err
	}
	if g.temporal, err = g.newTemporalAPI(pools); err != nil {
		_ = g.upstream.Close()
		return nil, err
	}
	p := &probes{gate: g.gate, upstream: g.upstream, metrics: g.metrics}
	g.public = g.newServer(g.front(newRouter(doors{g.api, g.temporal}, g.authenticate(who), pages), p))
	g.public.ConnState = g.connections.track
	g.public.BaseContext = func(net.Listener) context.Context { return g.requests }
	g.admin = g.newServer(newAdmin(p, g.metrics))
	return g, nil
}

// front makes the handler of the public listener.
func (g *gateway) front(router chi.Router, p *probes) http.Handler {
	listen := g.cfg.Listen
	f := &front{
		router: router, gate: g.gate, hosts: lower(listen.Hosts), probes: p, log: g.log, metrics: g.metrics,
		readBody: listen.Timeouts.ReadBody, write: listen.Timeouts.Write,
	}
	f.next = sharing(g.cfg.CORS.Origins, http.HandlerFunc(f.admit))
	return believing(listen.TrustedProxies, f)
}

// authenticate is the step in front of the doors.
func (g *gateway) authenticate(who *auth.Authenticator) func(http.Handler) http.Handler {
	failures := limit.NewFailures(g.cfg.Auth.FailureLimit.Burst, g.cfg.Auth.FailureLimit.PerSecond)
	return authenticator(who, failures, g.metrics, g.tracing)
}

// listen opens the listeners that were not given.
func (g *gateway) listen(options Options) error {
	public, err := listenerOr(options.Public, g.cfg.Listen.Public)
	if err != nil {
		return err
	}
	g.publicListener = &lingering{Listener: public}
	if g.adminListener, err = listenerOr(options.Admin, g.cfg.Listen.Admin); err != nil {
		_ = public.Close()
	}
	return err
}

func listenerOr(given net.Listener, address string) (net.Listener, error) {
	if given != nil {
		return given, nil
	}
	listener, err := net.Listen("tcp", address) //nolint:noctx // it is there or it is not
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}

// authenticator reads the keys, and has their file followed.
func (g *gateway) authenticator() (*auth.Authenticator, error) {
	if g.cfg.Auth.InsecureAnonymous {
		g.log.Warn("everybody is let in: auth.insecureAnonymous is set")
		return auth.NewAuthenticator(nil, true), nil
	}
	keys, err := auth.OpenKeys(g.cfg.Auth.APIKeys.File, auth.WithLogger(g.log),
		auth.RefuseCredentials(g.cfg.Upstream.RefusesCredentials()),
		auth.OnReload(func(err error) { g.metrics.KeysReloaded(g.life, err) }))
	if err != nil {
		return nil, err
	}
	g.metrics.KeysReloaded(g.life, nil)
	g.watchers = append(g.watchers, func(ctx context.Context) { keys.Watch(ctx, g.cfg.Auth.APIKeys.ReloadInterval) })
	return auth.NewAuthenticator(keys, false), nil
}

func (g *gateway) newUpstream(options Options) (*upstream.Client, error) {
	cfg := g.cfg.Upstream
	credential, err := g.credential(cfg.Credential)
	if err != nil {
		return nil, fmt.Errorf("upstream.credential: %w", err)
	}
	tlsConfig, err := clientTLS(cfg.TLS)
	if err != nil {
		return nil, fmt.Errorf("upstream.tls: %w", err)
	}
	proxy := upstream.Proxy{Address: cfg.Proxy.Address}
	if cfg.Proxy.BasicAuthFile != "" {
		text, err := os.ReadFile(cfg.Proxy.BasicAuthFile)
		if err != nil {
			return nil, fmt.Errorf("upstream.proxy.basicAuthFile: %w", err)
		}
		proxy.BasicAuth = strings.TrimSpace(string(text))
	}
	metadata, byNamespace, err := decodedMetadata(g.cfg)
	if err != nil {
		return nil, err
	}
	client, err := upstream.New(upstream.Options{
		Address: cfg.Address, TLS: tlsConfig, Proxy: proxy, Dial: options.Dial,
		KeepAlive: upstream.KeepAlive(cfg.KeepAlive), Credential: credential,
		Metadata: metadata, NamespaceMetadata: byNamespace,
		Timeouts: upstream.Timeouts{Default: g.cfg.Limits.Timeouts.Default, Max: g.cfg.Limits.Timeouts.Max},
		Retry:    upstream.RetryPolicy(cfg.Retry), Breaker: upstream.Breaker(cfg.Breaker),
		MaxResponseBytes: cfg.MaxResponseBytes, Version: options.Version,
		Log: g.log, Metrics: g.metrics, Tracing: g.tracing,
	})
	if err != nil {
		return nil, err
	}
	g.watchers = append(g.watchers, client.WatchHealth, func(ctx context.Context) {
		credential.Watch(ctx, credentialInterval)
	})
	return client, nil
}

// credential makes the one that is configured.
func (g *gateway) credential(cfg config.Credential) (*auth.Credential, error) {
	switch cfg.Mode {
	case config.CredentialStatic:
		return auth.OpenStatic(cfg.File, auth.WithLogger(g.log))
	default:
		return auth.NoCredential(), nil
	}
}

// credentialInterval is how often the upstream credential's file is looked at.
const credentialInterval = time.Second

// clientTLS is the gateway's side of TLS towards the upstream, nil for
// plaintext.
func clientTLS(cfg config.TLS) (*tls.Config, error) {
	if !cfg.Enabled {
		return nil, nil //nolint:nilnil // no TLS is no error
	}
	made := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: cfg.ServerName}
	if cfg.CAFile != "" {
		pem, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, err
		}
		made.RootCAs = x509.NewCertPool()
		if !made.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("caFile holds no certificate")
		}
	}
	if cfg.CertFile != "" {
		certificate, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile)
		if err != nil {
			return nil, err
		}
		made.Certificates = []tls.Certificate{certificate}
	}
	return made, nil
}

// decodedMetadata gives the configured metadata, for all namespaces and for
// single ones, with the values of binary keys as bytes.
func decodedMetadata(cfg *config.Config) (all map[string]string, byNamespace map[string]map[string]string, err error) {
	if all, err = decodeAll(cfg.Upstream.Metadata); err != nil {
		return nil, nil, err
	}
	byNamespace = map[string]map[string]string{}
	for name, namespace := range cfg.Namespaces {
		if byNamespace[name], err = decodeAll(namespace.Metadata); err != nil {
			return nil, nil, err
		}
	}
	return all, byNamespace, nil
}

func decodeAll(metadata config.Metadata) (map[string]string, error) {
	decoded := make(map[string]string, len(metadata))
	for key, value := range metadata {
		value, err := config.DecodeMetadata(key, value)
		if err != nil {
			return nil, fmt.Errorf("metadata %s: %w", key, err)
		}
		decoded[key] = value
	}
	return decoded, nil
}

// pools bound what is in flight of each kind, at all doors together.
type pools struct{ reads, writes, waits *limit.Pool }

func (g *gateway) newPools() pools {
	limits := g.cfg.Limits.InFlight
	pool := func(size int, gauge *telemetry.Gauge) *limit.Pool {
		return limit.NewPool(limit.PoolSize{
			Places: size, Share: limits.CallerShare, Queue: limits.Queue, QueueTime: limits.QueueTime,
		}, gauge)
	}
	return pools{
		reads:  pool(limits.Reads, &g.metrics.Reads),
		writes: pool(limits.Writes, &g.metrics.Writes),
		waits:  pool(limits.Waits, &g.metrics.Waits),
	}
}

func (g *gateway) newAPI(version string, pools pools) (*handlers.API, error) {
	tokens, err := handlers.OpenTokenKeys(g.cfg.Tokens.KeyFiles)
	if err != nil {
		return nil, err
	}
	if len(g.cfg.Tokens.KeyFiles) == 0 {
		g.log.Warn("page tokens are good on this replica only, and until it stops: tokens.keyFiles is not set")
	}
	conditions := map[string]string{}
	for name, namespace := range g.cfg.Namespaces {
		conditions[name] = namespace.QueryRejectCondition
	}
	limits := g.cfg.Limits
	return handlers.New(g.life, handlers.Options{
		Upstream: g.upstream, Tokens: tokens, Version: version, Metrics: g.metrics,
		CallerMetadata: g.cfg.Upstream.CallerMetadata, QueryRejectConditions: conditions,
		Limits: handlers.Limits{
			MaxWait: limits.MaxWait, RequestBudget: limits.RequestBudget, MaxBodyBytes: limits.MaxBodyBytes,
			LongPoll: limits.Timeouts.LongPoll,
		},
		Reads: pools.reads, Writes: pools.writes, Waits: pools.waits,
		Settings: handlers.NewSettings(limits, g.cfg.Upstream),
	}), nil
}

func (g *gateway) newTemporalAPI(pools pools) (*rpc.HTTP, error) {
	return rpc.NewHTTP(rpc.Options{
		Upstream: g.upstream, MaxBodyBytes: g.cfg.Limits.MaxBodyBytes, LongPoll: g.cfg.Limits.Timeouts.LongPoll,
		CallerMetadata: g.cfg.Upstream.CallerMetadata,
		Reads:          pools.reads, Writes: pools.writes, Waits: pools.waits,
	})
}

func lower(hosts []string) []string {
	lowered := make([]string, len(hosts))
	for i, host := range hosts {
		lowered[i] = strings.ToLower(host)
	}
	return lowered
}

// newServer makes an HTTP server with a bound on everything that a client
// controls before a handler runs. HTTP/2 without TLS is on, because gRPC's
// clients need it behind a load balancer that ends TLS.
func (g *gateway) newServer(handler http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: handler, Protocols: protocols,
		DisableGeneralOptionsHandler: true, // OPTIONS * goes the way of all requests, into the log too
		ReadHeaderTimeout:            g.cfg.Listen.Timeouts.ReadHeader,
		IdleTimeout:                  g.cfg.Listen.Timeouts.Idle,
		MaxHeaderBytes:               g.cfg.Listen.MaxHeaderBytes,
		HTTP2:                        &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:                     slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
}
