package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// The pace at which a lost connection is made again. The default of gRPC goes up
// to two minutes, in which a gateway would refuse all calls to a server that is
// long back.
const (
	reconnectFirst   = 200 * time.Millisecond
	reconnectLast    = 3 * time.Second
	reconnectTimeout = 5 * time.Second // of one try
)

// serviceConfig spreads calls over all addresses of the upstream's name.
const serviceConfig = `{"loadBalancingConfig":[{"round_robin":{}}]}`

// Dialer opens the upstream's transport connections.
type Dialer func(ctx context.Context, address string) (net.Conn, error)

// Options say where the upstream is and how calls to it are made.
type Options struct {
	// Address is host:port.
	Address string
	// TLS is nil for plaintext.
	TLS *tls.Config
	// KeepAlive pings the connection, idle or not: Interval apart, giving it up
	// when an answer takes longer than Timeout.
	KeepAlive KeepAlive
	// Proxy is the HTTP CONNECT proxy to go through, if any.
	Proxy Proxy
	// Dial replaces the network, nil uses it.
	Dial Dialer
	// Metadata goes with every call; NamespaceMetadata, by namespace, wins over it.
	Metadata          map[string]string
	NamespaceMetadata map[string]map[string]string
	// Credential is what authenticates the gateway, where a principal brings
	// none of its own.
	Credential *auth.Credential
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

// Client calls one Temporal server. It is safe for concurrent use.
type Client struct {
	options  Options
	conn     *grpc.ClientConn
	guards   map[string]guard // by full method name
	throttle *throttle
	breaker  *breaker
	health   health
}

// New makes a client. It connects when the first call is made.
func New(options Options) (*Client, error) {
	target, dialOptions := options.dial()
	conn, err := grpc.NewClient(target, dialOptions...)
	if err != nil {
		return nil, fmt.Errorf("upstream %s: %w", options.Address, err)
	}
	return &Client{
		options: options, conn: conn, guards: methodGuards(), throttle: newThrottle(),
		breaker: newBreaker(options.Breaker, options.Log, &options.Metrics.BreakerOpen),
		health:  health{doubts: make(chan struct{}, 1)},
	}, nil
}

// Close ends the connections and the calls in flight on them.
func (c *Client) Close() error { return c.conn.Close() }

// CredentialID tells apart the credentials that a principal's calls go out
// with. It holds no secret.
func (c *Client) CredentialID(principal *auth.Principal) string {
	return c.credential(principal).ID(principal)
}

func (o Options) dial() (target string, options []grpc.DialOption) {
	transport := insecure.NewCredentials()
	if o.TLS != nil {
		transport = credentials.NewTLS(o.TLS)
	}
	options = []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent("flowgate/" + o.Version),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableServiceConfig(), // a TXT record must not reconfigure the gateway
		grpc.WithDisableRetry(),         // retries are the chain's
		grpc.WithNoProxy(),              // the configured proxy alone counts
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: o.KeepAlive.Interval, Timeout: o.KeepAlive.Timeout, PermitWithoutStream: true,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: reconnectFirst, Multiplier: 1.6, Jitter: jitter, MaxDelay: reconnectLast},
			MinConnectTimeout: reconnectTimeout,
		}),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wireCodec{}), grpc.MaxCallRecvMsgSize(o.MaxResponseBytes)),
	}
	dial := o.Dial
	target = "dns:///" + o.Address
	if o.Proxy.Address != "" {
		dial = o.Proxy.dialer(dial)
	}
	if dial != nil {
		options = append(options, grpc.WithContextDialer(dial))
		target = "passthrough:///" + o.Address // the dialer, or the proxy, resolves the name
	}
	return target, options
}

// methodGuards compiles the namespace guard of every method that has an
// access rule in namespaces.
func methodGuards() map[string]guard {
	compiled, byMethod := guards{}, map[string]guard{}
	for _, file := range []protoreflect.FileDescriptor{
		workflowservice.File_temporal_api_workflowservice_v1_service_proto,
		operatorservice.File_temporal_api_operatorservice_v1_service_proto,
	} {
		services := file.Services()
		for i := range services.Len() {
			methods := services.Get(i).Methods()
			for j := range methods.Len() {
				method := methods.Get(j)
				name := "/" + string(services.Get(i).FullName()) + "/" + string(method.Name())
				byMethod[name] = compiled.compile(method.Input())
			}
		}
	}
	return byMethod
}
