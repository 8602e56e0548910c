package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// gateway is a whole gateway between in-memory connections: requests come by
// client, and upstream answers what the test tells it to. Made in a synctest
// bubble, it lives in virtual time.
type gateway struct {
	client, admin *http.Client
	listener      *listener
	adminListener *listener
	upstream      *upstreamtest.Server
	log           *syncBuffer
	stop          context.CancelFunc
	done          chan error
}

// startOptions configure a gateway under test. The zero value runs the default configuration.
type startOptions struct {
	// configure changes the configuration before the gateway reads it.
	configure func(*config.Config)
	// public accepts the callers' connections. When it is nil, the gateway
	// serves an in-memory listener. The gateway closes it.
	public net.Listener
	// dial opens the callers' connections to public, and is required with it.
	dial func(context.Context) (net.Conn, error)
	// keyTransport fetches the keys of the token issuers.
	keyTransport http.RoundTripper
	// getenv returns the OpenTelemetry variables; nil returns none.
	getenv func(string) string
}

// start runs a gateway until the test ends.
func start(t testing.TB, options startOptions) *gateway {
	t.Helper()
	cfg := config.Default()
	cfg.Auth.APIKeys.File = writeKeys(t)
	if options.configure != nil {
		options.configure(&cfg)
	}
	g := &gateway{
		adminListener: newListener(), upstream: upstreamtest.New(t), log: &syncBuffer{}, done: make(chan error, 1),
	}
	if options.public == nil {
		g.listener = newListener()
		options.public, options.dial = g.listener, g.listener.dial
	}
	g.client, g.admin = clientBy(options.dial), clientOf(g.adminListener)
	ctx, cancel := context.WithCancel(t.Context())
	g.stop = cancel
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.done <- server.Run(ctx, &cfg, server.Options{
			Version: "test", Public: options.public, Admin: g.adminListener, Dial: g.upstream.Dial, Log: g.log,
			KeyTransport: options.keyTransport, Getenv: options.getenv,
		})
	}()
	t.Cleanup(func() {
		g.client.CloseIdleConnections()
		g.admin.CloseIdleConnections()
		cancel()
		<-ended
	})
	return g
}

func clientOf(l *listener) *http.Client { return clientBy(l.dial) }

func clientBy(dial func(context.Context) (net.Conn, error)) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		MaxIdleConnsPerHost: 1000,
	}}
}

// elapsed measures in virtual time.
func elapsed(do func()) time.Duration {
	begin := time.Now()
	do()
	return time.Since(begin)
}

func drainConfig(cfg *config.Config) {
	cfg.Listen.DrainDelay = 5 * time.Second
	cfg.Listen.DrainTimeout = 25 * time.Second
}

// ready asks the public probe.
func (g *gateway) ready(t *testing.T) int {
	t.Helper()
	return g.do(t, http.MethodGet, "/readyz", "").status
}

// inFlight gives the gauges that count what is going on.
func inFlight(metrics string) map[string]string {
	found := map[string]string{}
	for _, match := range gaugeLine.FindAllStringSubmatch(metrics, -1) {
		found[match[1]] = match[2]
	}
	return found
}

var gaugeLine = regexp.MustCompile(`(?m)^((?:http_server_active_requests|flowgate_in_flight|flowgate_wait_callers|flowgate_wait_polls)(?:\{.*\})?) (\S+)$`)

// adminText reads a page of the admin listener.
func (g *gateway) adminText(t *testing.T, path string) string {
	t.Helper()
	response, err := g.admin.Get("http://localhost" + path) //nolint:noctx // ends with the bubble
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}

// asked counts the upstream calls of callers, which leaves the gateway's own
// looks at the server's health out.
func (g *gateway) asked() int {
	return len(g.upstream.AllCalls()) - len(g.upstream.Calls("GetSystemInfo"))
}

// changed makes one of several changes of the configuration.
func changed(changes ...func(*config.Config)) func(*config.Config) {
	return func(cfg *config.Config) {
		for _, change := range changes {
			change(cfg)
		}
	}
}
