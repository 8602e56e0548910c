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

// DefaultNamespace exists on every server. It is the default namespace of the SDKs.
const DefaultNamespace = "default"

// Options configure a development server. The zero value is valid.
type Options struct {
	// FrontendPort is the port of the gRPC frontend; 0 means a free port.
	FrontendPort int
	// HTTPPort is the port of the server's own HTTP API; 0 means a free port.
	HTTPPort int
	// Namespaces are created at startup in addition to [DefaultNamespace], each with the search attributes of
	// [SearchAttributes].
	Namespaces []string
	// KeySources are the JWKS URLs of the trusted issuers. If there are any, Temporal's default authorizer is enabled,
	// which rejects calls without a valid token.
	KeySources []string
	// KeyRefresh is the interval at which the server fetches keys; 0 means one second. The server does not fetch keys on
	// demand.
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

// Start starts a server and returns once the frontend accepts requests. If ctx is done earlier, Start stops the server
// and returns an error.
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

// Address returns the host:port of the gRPC frontend.
func (s *Server) Address() string { return s.frontendAddress }

// HTTPAddress returns the host:port of the server's own HTTP API, for comparison with the gateway's.
func (s *Server) HTTPAddress() string { return s.httpAddress }

// Stop stops the server and discards its data. It is idempotent.
func (s *Server) Stop() error {
	if err := s.stop(); err != nil {
		return fmt.Errorf("stop the Temporal server: %w", err)
	}
	return nil
}

// newServer returns a server whose database already contains the namespaces, so that clients need not wait for the
// server's namespace cache.
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

// createNamespaces creates DefaultNamespace and the additional namespaces.
func createNamespaces(cfg *config.Config, additional []string) error {
	var namespaces []*sqlite.NamespaceConfig
	for _, name := range append([]string{DefaultNamespace}, additional...) {
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

// awaitHealthy polls the frontend's health service, because the services listen before they are ready.
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
