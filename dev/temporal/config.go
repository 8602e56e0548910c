package temporal

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
)

const (
	clusterName = "active"
	storeName   = "memory"

	// keyRefresh is short, because a gateway in development publishes its keys only after the server has started.
	keyRefresh = time.Second
	// joinTimeout is long enough for all services to start on a busy machine with one or two processors.
	joinTimeout = 30 * time.Second
)

// newConfig returns the configuration of a server with one cluster, one shard and its own in-memory database.
func newConfig(ports ports, options Options) *config.Config {
	cfg := &config.Config{
		Global:              config.Global{Membership: config.Membership{MaxJoinDuration: joinTimeout}},
		Persistence:         persistence(),
		ClusterMetadata:     singleCluster(loopback(ports.frontend)),
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			string(primitives.FrontendService): service(ports.frontend, ports.frontendHTTP),
			string(primitives.HistoryService):  service(ports.history, 0),
			string(primitives.MatchingService): service(ports.matching, 0),
			string(primitives.WorkerService):   service(ports.worker, 0),
		},
		Archival:          noArchival(),
		NamespaceDefaults: noArchivalByDefault(),
	}
	if len(options.KeySources) > 0 {
		enableAuthorizer(cfg, options, ports.internalFrontend)
	}
	return cfg
}

// enableAuthorizer enables the default authorizer. The server's system workers have no token, so they need an internal
// frontend, which does not require one.
func enableAuthorizer(cfg *config.Config, options Options, internalFrontendPort int) {
	cfg.Global.Authorization = config.Authorization{
		JWTKeyProvider: config.JWTKeyProvider{
			KeySourceURIs:   options.KeySources,
			RefreshInterval: cmp.Or(options.KeyRefresh, keyRefresh),
		},
		PermissionsClaimName: "permissions",
		Authorizer:           "default",
		ClaimMapper:          "default",
	}
	cfg.Services[string(primitives.InternalFrontendService)] = service(internalFrontendPort, 0)
}

// persistence configures a database with a unique name. SQLite shares in-memory databases of the same name within a
// process, and two servers must not share one.
func persistence() config.Persistence {
	return config.Persistence{
		DefaultStore:     storeName,
		VisibilityStore:  storeName,
		NumHistoryShards: 1,
		DataStores: map[string]config.DataStore{
			storeName: {SQL: &config.SQL{
				PluginName:        sqlite.PluginName,
				DatabaseName:      uuid.NewString(),
				ConnectAttributes: map[string]string{"mode": "memory", "cache": "shared"},
			}},
		},
	}
}

func singleCluster(frontendAddress string) *cluster.Config {
	return &cluster.Config{
		FailoverVersionIncrement: 10,
		MasterClusterName:        clusterName,
		CurrentClusterName:       clusterName,
		ClusterInformation: map[string]cluster.ClusterInformation{
			clusterName: {
				Enabled:                true,
				InitialFailoverVersion: 1,
				RPCAddress:             frontendAddress,
				ClusterID:              uuid.NewString(),
			},
		},
	}
}

func service(grpcPort, httpPort int) config.Service {
	return config.Service{RPC: config.RPC{GRPCPort: grpcPort, HTTPPort: httpPort, BindOnIP: loopbackIP}}
}

func noArchival() config.Archival {
	return config.Archival{
		History:    config.HistoryArchival{State: config.ArchivalDisabled},
		Visibility: config.VisibilityArchival{State: config.ArchivalDisabled},
	}
}

func noArchivalByDefault() config.NamespaceDefaults {
	return config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
		History:    config.HistoryArchivalNamespaceDefaults{State: config.ArchivalDisabled},
		Visibility: config.VisibilityArchivalNamespaceDefaults{State: config.ArchivalDisabled},
	}}
}

func serviceNames(cfg *config.Config) []string {
	return slices.Sorted(maps.Keys(cfg.Services))
}

// staticHosts returns the fixed address of each service. It replaces the gossip protocol, which delays the start by
// seconds and needs another port for each service.
func staticHosts(cfg *config.Config) map[primitives.ServiceName]static.Hosts {
	hosts := make(map[primitives.ServiceName]static.Hosts, len(cfg.Services))
	for name, service := range cfg.Services {
		hosts[primitives.ServiceName(name)] = static.SingleLocalHost(loopback(service.RPC.GRPCPort))
	}
	return hosts
}
