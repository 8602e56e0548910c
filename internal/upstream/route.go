package upstream

import (
	"fmt"

	"google.golang.org/grpc"

	"github.com/flowgate/flowgate/internal/auth"
)

// Namespace has the options of one namespace that differ from the default.
type Namespace struct {
	// Metadata takes precedence over [Options.Metadata].
	Metadata map[string]string
	// Credential authenticates the gateway. Nil means [Options.Credential].
	Credential *auth.Credential
	// Server is the server of the namespace. Nil means [Options.Server].
	Server *Server
	// Name is the name of the namespace on its server. Empty means that it has the
	// same name there as in the gateway.
	Name string
}

// namespaceRoute has the server of a namespace and the options of calls to it.
type namespaceRoute struct {
	server     *server
	credential *auth.Credential
	metadata   map[string]string
	// name is [Namespace.Name].
	name string
}

// credentialOf returns the credential of the principal if it has one, otherwise the
// credential of the namespace.
func (r *namespaceRoute) credentialOf(principal *auth.Principal) *auth.Credential {
	if principal.Credential != nil {
		return principal.Credential
	}
	return r.credential
}

// nameOf returns the name of a namespace on its server.
func (r *namespaceRoute) nameOf(namespace string) string {
	if r.name != "" {
		return r.name
	}
	return namespace
}

func (c *Client) routeOf(namespace string) *namespaceRoute {
	if r, ok := c.routes[namespace]; ok {
		return r
	}
	return &c.defaultRoute
}

// addNamespace adds the route of a namespace. Each configured server gets a
// separate connection, even if two have the same address and TLS configuration: the
// outage of one namespace must not affect another.
func (c *Client) addNamespace(name string, n Namespace) error {
	r := c.defaultRoute
	r.metadata, r.name = n.Metadata, n.Name
	if n.Credential != nil {
		r.credential = n.Credential
	}
	if n.Server != nil {
		server, err := newServer(&c.options, *n.Server)
		if err != nil {
			return fmt.Errorf("namespace %s: %w", name, err)
		}
		server.namespace = name
		c.servers = append(c.servers, server)
		r.server = server
	}
	c.routes[name] = &r
	return nil
}

// server is one Temporal server: its connection and its state.
type server struct {
	options *Options
	address string
	// namespace selects the route of health probes to this server.
	namespace string
	conn      *grpc.ClientConn
	// maxOptions are the options of calls whose responses may have the maximum size,
	// unreservedOptions those of calls whose responses may have unreservedBytes. They
	// are stored here to avoid an allocation per call.
	maxOptions, unreservedOptions []grpc.CallOption
	sizes                         responseSizes

	throttle *throttle
	breaker  *breaker
	health   health
}

func newServer(options *Options, to Server) (*server, error) {
	target, dialOptions := options.dialOptions(to)
	conn, err := grpc.NewClient(target, dialOptions...)
	if err != nil {
		return nil, fmt.Errorf("upstream %s: %w", to.Address, err)
	}
	return &server{
		options: options, address: to.Address, conn: conn, throttle: newThrottle(),
		maxOptions: receiveOptions(options.MaxResponseBytes), unreservedOptions: receiveOptions(unreservedBytes),
		sizes:   newResponseSizes(),
		breaker: newBreaker(options.Breaker, options.Log, &options.Metrics.BreakerOpen),
		health:  health{probeNow: make(chan struct{}, 1)},
	}, nil
}
