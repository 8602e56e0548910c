package upstream

import (
	"fmt"

	"google.golang.org/grpc"

	"github.com/flowgate/flowgate/internal/auth"
)

// Namespace is what differs for one namespace.
type Namespace struct {
	// Metadata wins over that of all namespaces.
	Metadata map[string]string
	// Credential authenticates the gateway; nil is the one of all.
	Credential *auth.Credential
	// Server is where the namespace lives; nil is the one of all.
	Server *Server
	// Name is what the namespace is called there, empty when that is the same.
	Name string
}

// namespaceRoute is where a namespace lives.
type namespaceRoute struct {
	server     *server
	credential *auth.Credential
	metadata   map[string]string
	// name is what the namespace is called there, empty when that is the same.
	name string
}

// credentialOf is the principal's own, and the namespace's for those without.
func (h *namespaceRoute) credentialOf(principal *auth.Principal) *auth.Credential {
	if principal.Credential != nil {
		return principal.Credential
	}
	return h.credential
}

// nameOf is what a namespace is called on its server.
func (h *namespaceRoute) nameOf(namespace string) string {
	if h.name != "" {
		return h.name
	}
	return namespace
}

// routeOf gives the home of a namespace.
func (c *Client) routeOf(namespace string) *namespaceRoute {
	if h, ok := c.routes[namespace]; ok {
		return h
	}
	return &c.defaultRoute
}

// addNamespace makes the home of a namespace for which something differs.
// Namespaces with servers at one address and without differences in TLS still
// have connections of their own: what befalls one does not befall the other.
func (c *Client) addNamespace(name string, n Namespace) error {
	h := c.defaultRoute
	h.metadata, h.name = n.Metadata, n.Name
	if n.Credential != nil {
		h.credential = n.Credential
	}
	if n.Server != nil {
		server, err := newServer(&c.options, *n.Server)
		if err != nil {
			return fmt.Errorf("namespace %s: %w", name, err)
		}
		server.namespace = name
		c.servers = append(c.servers, server)
		h.server = server
	}
	c.routes[name] = &h
	return nil
}

// server is one Temporal server, and what is known of it.
type server struct {
	options *Options
	address string
	// namespace is one that lives there, by which the server is asked how it is.
	namespace string
	conn      *grpc.ClientConn
	// full and unreserved are the options of calls whose response may have the
	// maximum of bytes, or unreservedBytes. They are made once: each call has options
	// of its own otherwise.
	full, unreserved []grpc.CallOption
	sizes            responseSizes

	throttle *throttle
	breaker  *breaker
	health   health
}

func newServer(options *Options, at Server) (*server, error) {
	target, dialOptions := options.dial(at)
	conn, err := grpc.NewClient(target, dialOptions...)
	if err != nil {
		return nil, fmt.Errorf("upstream %s: %w", at.Address, err)
	}
	return &server{
		options: options, address: at.Address, conn: conn, throttle: newThrottle(),
		full: callOptions(options.MaxResponseBytes), unreserved: callOptions(unreservedBytes),
		sizes:   newResponseSizes(),
		breaker: newBreaker(options.Breaker, options.Log, &options.Metrics.BreakerOpen),
		health:  health{suspicions: make(chan struct{}, 1)},
	}, nil
}
