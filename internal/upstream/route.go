package upstream

import (
	"fmt"

	"google.golang.org/grpc"

	"github.com/flowgate/flowgate/internal/auth"
)

// Namespace has the options of one namespace that differ from the default.
type Namespace struct {
	// Metadata takes precedence over that of [Options].
	Metadata map[string]string
	// Credential authenticates the gateway. Nil means that of [Options].
	Credential *auth.Credential
	// Server is the server of the namespace. Nil means that of [Options].
	Server *Server
	// Name is the name of the namespace on its server. Empty means the same name.
	Name string
}

// namespaceRoute has the server of a namespace and the options of calls to it.
type namespaceRoute struct {
	server     *server
	credential *auth.Credential
	metadata   map[string]string
	// name is the name of the namespace on the server. Empty means the same name.
	name string
}

// credentialOf returns the credential of the principal if it has one, otherwise that
// of the namespace.
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

// addNamespace adds the route of a namespace. Each configured server has a
// connection of its own, even if two have the same address and TLS configuration:
// the outage of one namespace must not affect another.
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
	// full and unreserved are the options of calls whose response may have up to
	// the maximum size, or up to unreservedBytes. They are allocated once and not
	// per call.
	full, unreserved []grpc.CallOption
	sizes            responseSizes

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
		full: callOptions(options.MaxResponseBytes), unreserved: callOptions(unreservedBytes),
		sizes:   newResponseSizes(),
		breaker: newBreaker(options.Breaker, options.Log, &options.Metrics.BreakerOpen),
		health:  health{probeNow: make(chan struct{}, 1)},
	}, nil
}
