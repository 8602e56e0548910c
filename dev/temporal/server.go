package temporal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/schema/sqlite"
	temporalserver "go.temporal.io/server/temporal"
)

// DefaultNamespace exists on every server, because it is what SDKs assume when nothing else is said.
const DefaultNamespace = "default"

// Options says what differs between one development server and another. The zero value is a good server.
type Options struct {
	// FrontendPort is where SDKs and the gateway connect by gRPC; 0 takes a free port.
	FrontendPort int
	// HTTPPort is where the server's own HTTP API listens; 0 takes a free port.
	HTTPPort int
	// Namespaces exist from the first moment, beside DefaultNamespace, each with the search attributes of
	// SearchAttributes.
	Namespaces []string
	// KeySources are the JWKS URLs of those whose tokens the server trusts. Any entry turns Temporal's default
	// authorizer on: calls without a valid token are then refused.
	KeySources []string
	// KeyRefresh is how often the keys are fetched again; 0 is every second. The server never asks for a key that it does
	// not know.
	KeyRefresh time.Duration
	// Log receives the server's warnings and errors; nil discards them.
	Log io.Writer
}

// Server is a running Temporal server.
type Server struct {
	frontendAddress string
	httpAddress     string
	stop            func() error
}

// Start runs a server and returns once its frontend serves. When ctx ends earlier, the server is stopped again.
func Start(ctx context.Context, options Options) (*Server, error) {
	ports, err := assignPorts(options)
	if err != nil {
		return nil, err
	}
	cfg := newConfig(ports, options)
	logger, mute := newLogger(options.Log)
	internal, err := newServer(cfg, options.Namespaces, logger)
	if err != nil {
		return nil, err
	}
	server := &Server{
		frontendAddress: loopback(ports.frontend),
		httpAddress:     loopback(ports.frontendHTTP),
		stop:            sync.OnceValue(func() error { mute(); return internal.Stop() }),
	}
	if err := internal.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the Temporal server: %w", err), server.Stop())
	}
	if err := server.awaitHealthy(ctx); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return server, nil
}

// Address is the host:port of the gRPC frontend.
func (s *Server) Address() string { return s.frontendAddress }

// HTTPAddress is the host:port of the server's own HTTP API, for comparison with the gateway's.
func (s *Server) HTTPAddress() string { return s.httpAddress }

// Stop ends the server and drops all that it held. Stopping twice is the same as stopping once.
func (s *Server) Stop() error {
	if err := s.stop(); err != nil {
		return fmt.Errorf("stop the Temporal server: %w", err)
	}
	return nil
}

// newServer assembles the server around a database that already holds the namespaces, so that nobody has to wait for
// the server's namespace cache to notice them.
func newServer(cfg *config.Config, namespaces []string, logger log.Logger) (temporalserver.Server, error) {
	if err := createNamespaces(cfg, namespaces); err != nil {
		return nil, err
	}
	authorizer, err := authorization.GetAuthorizerFromConfig(&cfg.Global.Authorization)
	if err != nil {
		return nil, fmt.Errorf("choose the authorizer: %w", err)
	}
	claimMapper, err := authorization.GetClaimMapperFromConfig(&cfg.Global.Authorization, logger)
	if err != nil {
		return nil, fmt.Errorf("choose the claim mapper: %w", err)
	}
	server, err := temporalserver.NewServer(
		temporalserver.WithConfig(cfg),
		temporalserver.ForServices(serviceNames(cfg)),
		temporalserver.WithStaticHosts(staticHosts(cfg)),
		temporalserver.WithDynamicConfigClient(dynamicConfig()),
		temporalserver.WithLogger(logger),
		temporalserver.WithAuthorizer(authorizer),
		temporalserver.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return claimMapper }),
	)
	if err != nil {
		return nil, fmt.Errorf("assemble the Temporal server: %w", err)
	}
	return server, nil
}

func createNamespaces(cfg *config.Config, more []string) error {
	var namespaces []*sqlite.NamespaceConfig
	for _, name := range append([]string{DefaultNamespace}, more...) {
		namespace, err := sqlite.NewNamespaceConfig(clusterName, name, false, SearchAttributes())
		if err != nil {
			return fmt.Errorf("describe namespace %q: %w", name, err)
		}
		namespaces = append(namespaces, namespace)
	}
	database := cfg.Persistence.DataStores[storeName].SQL
	if err := sqlite.CreateNamespaces(database, namespaces...); err != nil {
		return fmt.Errorf("create the namespaces: %w", err)
	}
	return nil
}

// awaitHealthy asks the frontend's health service until it answers, because the services begin to listen before they
// are able to serve.
func (s *Server) awaitHealthy(ctx context.Context) error {
	const pause = 20 * time.Millisecond
	frontend, err := client.NewLazyClient(client.Options{HostPort: s.frontendAddress, Logger: silentSDKLogger()})
	if err != nil {
		return fmt.Errorf("connect to the frontend: %w", err)
	}
	defer frontend.Close()
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		_, err := frontend.CheckHealth(ctx, &client.CheckHealthRequest{})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the frontend: %w", errors.Join(ctx.Err(), err))
		case <-ticker.C:
		}
	}
}
