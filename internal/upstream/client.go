package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream/inspect"
)

// The backoff between attempts to reconnect. The default maximum of gRPC is two
// minutes, so calls could fail for two minutes after the server has recovered.
const (
	reconnectBaseDelay = 200 * time.Millisecond
	reconnectMaxDelay  = 3 * time.Second
	reconnectTimeout   = 5 * time.Second // of one attempt to connect
)

// The HTTP/2 flow-control windows, in bytes. The window of a stream is gRPC's default
// maximum size of a received message. The window of a connection is the maximum that
// gRPC would set dynamically.
const (
	streamWindow = 4 << 20
	connWindow   = 16 << 20
)

// serviceConfig spreads calls over all addresses that the upstream's name resolves to.
const serviceConfig = `{"loadBalancingConfig":[{"round_robin":{}}]}`

// Dialer opens a transport connection to an upstream.
type Dialer func(ctx context.Context, address string) (net.Conn, error)

// Options are the options of a client.
type Options struct {
	Server
	// KeepAlive configures the pings on all connections, including idle ones.
	KeepAlive KeepAlive
	// Proxy is the HTTP CONNECT proxy, if any.
	Proxy Proxy
	// Dial opens connections. Nil means TCP.
	Dial Dialer
	// Metadata is sent with every call.
	Metadata map[string]string
	// Credential authenticates calls, unless the principal or the namespace has
	// a credential.
	Credential *auth.Credential
	// Namespaces has options that replace those above for one namespace, by its name.
	Namespaces map[string]Namespace
	// Timeouts are the timeouts of each attempt of a call.
	Timeouts Timeouts
	// Retry is the policy for calls that may be repeated.
	Retry RetryPolicy
	// Breaker is the policy of the circuit breaker of each server.
	Breaker Breaker
	// MaxResponseBytes is the maximum size of a response.
	MaxResponseBytes int
	// Version is the version of the gateway. It is sent as client-version and in
	// the user agent.
	Version string

	Log     *slog.Logger
	Metrics *telemetry.Metrics
	Tracing *telemetry.Tracing
}

// KeepAlive is the interval between pings of a connection, and the time after which
// a connection without a response is closed.
type KeepAlive struct{ Interval, Timeout time.Duration }

// Timeouts are the timeouts of each attempt of a call.
type Timeouts struct {
	// Default applies if the caller sets no timeout.
	Default time.Duration
	// Max is the upper limit of the caller's timeout.
	Max time.Duration
}

// Server is the address of one Temporal server.
type Server struct {
	// Address is host:port.
	Address string
	// TLS returns the configuration of a new connection. It is nil for plaintext. A new
	// configuration applies to new connections; the server name must not change.
	TLS func() *tls.Config
}

// Client calls Temporal servers. It is safe for concurrent use.
type Client struct {
	options      Options
	methods      map[string]inspect.Method // by full method name
	defaultRoute namespaceRoute            // for namespaces that are not in routes
	routes       map[string]*namespaceRoute
	servers      []*server // servers[0] is the server of defaultRoute
	namespaceIDs namespaceIDs
}

// New returns a client. The client connects when it makes the first call.
func New(options Options) (*Client, error) {
	c := &Client{options: options, methods: inspect.Compile(), routes: map[string]*namespaceRoute{}}
	defaultServer, err := newServer(&c.options, options.Server)
	if err != nil {
		return nil, err
	}
	for method, access := range auth.AccessTable() {
		if access.Retry {
			options.Metrics.StartRetries(shortName(method))
		}
	}
	c.servers = []*server{defaultServer}
	c.defaultRoute = namespaceRoute{server: defaultServer, credential: options.Credential}
	for _, name := range slices.Sorted(maps.Keys(options.Namespaces)) {
		if err := c.addNamespace(name, options.Namespaces[name]); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// Close closes the connections, which ends the calls in flight.
func (c *Client) Close() error {
	var errs []error
	for _, server := range c.servers {
		errs = append(errs, server.conn.Close())
	}
	return errors.Join(errs...)
}

// CredentialID returns an identifier of the credential that authenticates a
// principal's calls in a namespace. The identifier contains no secret.
func (c *Client) CredentialID(principal *auth.Principal, namespace string) string {
	return c.routeOf(namespace).credentialOf(principal).ID(principal)
}

// CredentialMode returns how a principal's calls in a namespace are authenticated:
// none, static, passthrough or mint.
func (c *Client) CredentialMode(principal *auth.Principal, namespace string) string {
	return c.routeOf(namespace).credentialOf(principal).Mode()
}

// dialOptions returns the target and the options of the connection to a server.
func (o *Options) dialOptions(to Server) (target string, options []grpc.DialOption) {
	transport := insecure.NewCredentials()
	if to.TLS != nil {
		transport = newReloadedTLS(to.TLS)
	}
	options = []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent("flowgate/" + o.Version),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableServiceConfig(), // a TXT record must not reconfigure the gateway
		grpc.WithDisableRetry(),         // this package retries
		// With dynamic windows, gRPC would send a ping for each response to measure the bandwidth.
		grpc.WithStaticStreamWindowSize(streamWindow), grpc.WithStaticConnWindowSize(connWindow),
		grpc.WithNoProxy(), // ignores HTTPS_PROXY: only the configured proxy applies
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: o.KeepAlive.Interval, Timeout: o.KeepAlive.Timeout, PermitWithoutStream: true,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: reconnectBaseDelay, Multiplier: 1.6, Jitter: jitter, MaxDelay: reconnectMaxDelay},
			MinConnectTimeout: reconnectTimeout,
		}),
	}
	dial := o.Dial
	target = "dns:///" + to.Address
	if o.Proxy.Address != "" {
		dial = o.Proxy.dialer(dial)
	}
	if dial != nil {
		options = append(options, grpc.WithContextDialer(dial))
		target = "passthrough:///" + to.Address // the dialer, or the proxy, resolves the name
	}
	return target, options
}
