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
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream/inspect"
)

// The pace at which a lost connection is made again. The default of gRPC goes up
// to two minutes, in which a gateway would refuse all calls to a server that is
// long back.
const (
	reconnectFirst   = 200 * time.Millisecond
	reconnectLast    = 3 * time.Second
	reconnectTimeout = 5 * time.Second // of one try
)

// The HTTP/2 flow-control windows, in bytes: of a stream, gRPC's default limit of
// a received message; of a connection, the maximum of gRPC's own estimate.
const (
	streamWindow = 4 << 20
	connWindow   = 16 << 20
)

// serviceConfig spreads calls over all addresses of the upstream's name.
const serviceConfig = `{"loadBalancingConfig":[{"round_robin":{}}]}`

// Dialer opens the upstream's transport connections.
type Dialer func(ctx context.Context, address string) (net.Conn, error)

// Options say where the upstream is and how calls to it are made.
type Options struct {
	Server
	// KeepAlive pings the connection, idle or not: Interval apart, giving it up
	// when an answer takes longer than Timeout.
	KeepAlive KeepAlive
	// Proxy is the HTTP CONNECT proxy to go through, if any.
	Proxy Proxy
	// Dial replaces the network, nil uses it.
	Dial Dialer
	// Metadata goes with every call.
	Metadata map[string]string
	// Credential is what authenticates the gateway, where neither a principal
	// nor a namespace brings one of its own.
	Credential *auth.Credential
	// Namespaces are those for which something differs.
	Namespaces map[string]Namespace
	// Timeouts bound each attempt.
	Timeouts Timeouts
	// Retry is the policy for calls that may be repeated.
	Retry RetryPolicy
	// Breaker says when calls are not made any more.
	Breaker Breaker
	// MaxResponseBytes is the largest answer that is taken.
	MaxResponseBytes int
	// Version is the gateway's, sent as client-version and in the user agent.
	Version string

	Log     *slog.Logger
	Metrics *telemetry.Metrics
	Tracing *telemetry.Tracing
}

// KeepAlive says how a connection is watched.
type KeepAlive struct{ Interval, Timeout time.Duration }

// Timeouts are the deadlines of one attempt.
type Timeouts struct {
	// Default is used when the caller names none.
	Default time.Duration
	// Max clamps what the caller names.
	Max time.Duration
}

// Server is where one Temporal server is.
type Server struct {
	// Address is host:port.
	Address string
	// TLS is nil for plaintext.
	TLS *tls.Config
}

// Client calls Temporal servers. It is safe for concurrent use.
type Client struct {
	options      Options
	methods      map[string]inspect.Method // by full method name
	defaultRoute namespaceRoute            // of all namespaces that have none of their own
	routes       map[string]*namespaceRoute
	servers      []*server // the first is the one of home
}

// New makes a client. It connects when the first call is made.
func New(options Options) (*Client, error) {
	c := &Client{options: options, methods: inspect.Compile(), routes: map[string]*namespaceRoute{}}
	first, err := newServer(&c.options, options.Server)
	if err != nil {
		return nil, err
	}
	c.servers = []*server{first}
	c.defaultRoute = namespaceRoute{server: first, credential: options.Credential}
	for _, name := range slices.Sorted(maps.Keys(options.Namespaces)) {
		if err := c.addNamespace(name, options.Namespaces[name]); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// Close ends the connections and the calls in flight on them.
func (c *Client) Close() error {
	var errs []error
	for _, server := range c.servers {
		errs = append(errs, server.conn.Close())
	}
	return errors.Join(errs...)
}

// CredentialID distinguishes the credentials that a principal's calls about a
// namespace go out with. It holds no secret.
func (c *Client) CredentialID(principal *auth.Principal, namespace string) string {
	return c.routeOf(namespace).credentialOf(principal).ID(principal)
}

// CredentialMode is how a principal's calls about a namespace are authenticated:
// none, static, passthrough or mint.
func (c *Client) CredentialMode(principal *auth.Principal, namespace string) string {
	return c.routeOf(namespace).credentialOf(principal).Mode()
}

// dial says how a server is connected to.
func (o *Options) dial(at Server) (target string, options []grpc.DialOption) {
	transport := insecure.NewCredentials()
	if at.TLS != nil {
		transport = credentials.NewTLS(at.TLS)
	}
	options = []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent("flowgate/" + o.Version),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableServiceConfig(), // a TXT record must not reconfigure the gateway
		grpc.WithDisableRetry(),         // retries are the chain's
		// Else gRPC would measure how large they should be, by a ping for each answer.
		grpc.WithStaticStreamWindowSize(streamWindow), grpc.WithStaticConnWindowSize(connWindow),
		grpc.WithNoProxy(), // the configured proxy alone counts
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: o.KeepAlive.Interval, Timeout: o.KeepAlive.Timeout, PermitWithoutStream: true,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: reconnectFirst, Multiplier: 1.6, Jitter: jitter, MaxDelay: reconnectLast},
			MinConnectTimeout: reconnectTimeout,
		}),
	}
	dial := o.Dial
	target = "dns:///" + at.Address
	if o.Proxy.Address != "" {
		dial = o.Proxy.dialer(dial)
	}
	if dial != nil {
		options = append(options, grpc.WithContextDialer(dial))
		target = "passthrough:///" + at.Address // the dialer, or the proxy, resolves the name
	}
	return target, options
}
