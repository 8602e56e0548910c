package servertest

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
	"github.com/flowgate/flowgate/internal/testlog"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// Gateway is a running gateway under test.
type Gateway struct {
	// Client and Admin send requests to the public and to the admin listener. They
	// ignore the host of the URL.
	Client, Admin *http.Client
	// Listener is the public listener. It is nil when Options.Public is set.
	Listener *Listener
	// AdminListener is the admin listener.
	AdminListener *Listener
	// Upstream is the server that the gateway calls.
	Upstream *upstreamtest.Server
	// Log is the log of the gateway.
	Log *testlog.Buffer
	// Stop starts the drain, as SIGTERM does.
	Stop context.CancelFunc
	// Done receives the result of server.Run, once.
	Done chan error
}

// Options configures a gateway under test. The zero value runs the default configuration with the API keys of
// [WriteKeys].
type Options struct {
	// Configure changes the configuration before the gateway reads it.
	Configure func(*config.Config)
	// Public is the public listener, which the gateway closes. If it is nil, the
	// gateway serves an in-memory listener.
	Public net.Listener
	// Dial opens the connections of callers to Public. It is required with Public.
	Dial func(context.Context) (net.Conn, error)
	// KeyTransport fetches the keys of JWT issuers. It usually is an [Issuer].
	KeyTransport http.RoundTripper
	// Getenv looks up the environment variables of OpenTelemetry; nil means that none is set.
	Getenv func(string) string
}

// Start starts a gateway that runs until the test ends. It does not wait until the gateway is ready: in a synctest
// bubble, call synctest.Wait, which returns when the first health check has completed.
func Start(t testing.TB, options Options) *Gateway {
	t.Helper()
	cfg := config.Default()
	cfg.Auth.APIKeys.File = WriteKeys(t)
	if options.Configure != nil {
		options.Configure(&cfg)
	}
	g := &Gateway{
		AdminListener: NewListener(), Upstream: upstreamtest.New(t), Log: &testlog.Buffer{}, Done: make(chan error, 1),
	}
	if options.Public == nil {
		g.Listener = NewListener()
		options.Public, options.Dial = g.Listener, g.Listener.Dial
	}
	g.Client, g.Admin = newClient(options.Dial), ClientOf(g.AdminListener)
	ctx, cancel := context.WithCancel(t.Context())
	g.Stop = cancel
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.Done <- server.Run(ctx, &cfg, server.Options{
			Version: "test", Public: options.Public, Admin: g.AdminListener, Dial: g.Upstream.Dial, Log: g.Log,
			KeyTransport: options.KeyTransport, Getenv: options.Getenv,
		})
	}()
	t.Cleanup(func() {
		g.Client.CloseIdleConnections()
		g.Admin.CloseIdleConnections()
		cancel()
		<-ended
	})
	return g
}

// ClientOf returns a client that opens all its connections to l.
func ClientOf(l *Listener) *http.Client { return newClient(l.Dial) }

func newClient(dial func(context.Context) (net.Conn, error)) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		MaxIdleConnsPerHost: 1000,
	}}
}

// ReadyzStatus returns the HTTP status of /readyz on the public listener.
func (g *Gateway) ReadyzStatus(t *testing.T) int {
	t.Helper()
	return g.Do(t, http.MethodGet, "/readyz", "").Status
}

// AdminText returns the response body of a path on the admin listener.
func (g *Gateway) AdminText(t *testing.T, path string) string {
	t.Helper()
	response, err := g.Admin.Get("http://localhost" + path) //nolint:noctx // ends with the bubble
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}

// gaugeLine matches a line of a gauge in /metrics.
var gaugeLine = regexp.MustCompile(
	`(?m)^((?:http_server_active_requests|flowgate_in_flight|flowgate_wait_callers|flowgate_wait_polls)(?:\{.*\})?) (\S+)$`)

// InFlight returns the values of the gauges for requests and waits in flight, by name and labels as /metrics has them.
func (g *Gateway) InFlight(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, match := range gaugeLine.FindAllStringSubmatch(g.AdminText(t, "/metrics"), -1) {
		found[match[1]] = match[2]
	}
	return found
}

// UpstreamCalls returns the number of upstream calls, without the calls to GetSystemInfo, which the gateway makes to
// check the upstream's health.
func (g *Gateway) UpstreamCalls() int {
	return len(g.Upstream.AllCalls()) - len(g.Upstream.Calls("GetSystemInfo"))
}

// Apply returns a function for Options.Configure that applies several changes in order.
func Apply(changes ...func(*config.Config)) func(*config.Config) {
	return func(cfg *config.Config) {
		for _, change := range changes {
			change(cfg)
		}
	}
}

// WithDrain sets a drain with a delay of 5 s and a timeout of 25 s.
func WithDrain(cfg *config.Config) {
	cfg.Listen.DrainDelay = 5 * time.Second
	cfg.Listen.DrainTimeout = 25 * time.Second
}

// Elapsed returns the time that do takes. In a synctest bubble it is virtual time.
func Elapsed(do func()) time.Duration {
	begin := time.Now()
	do()
	return time.Since(begin)
}
