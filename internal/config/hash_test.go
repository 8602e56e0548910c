package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

func TestHashDependsOnEverySetting(t *testing.T) {
	t.Parallel()
	hashes := map[string]bool{}
	for _, environ := range [][]string{
		nil,
		{"FLOWGATE_LOG_LEVEL=debug"},
		{"FLOWGATE_LISTEN_DRAIN_DELAY=6s"},
		{"FLOWGATE_LIMITS_IN_FLIGHT_CALLER_SHARE=0.5"},
		{"FLOWGATE_METRICS_CALLERS=7"},
		{"FLOWGATE_LISTEN_HOSTS=a.example"},
		{"FLOWGATE_LISTEN_HOSTS=a.example,b.example"},
		{"FLOWGATE_UPSTREAM_TLS_ENABLED=true"},
	} {
		cfg, err := config.Load(config.LoadOptions{Environ: append(environ, "FLOWGATE_AUTH_INSECURE_ANONYMOUS=true")})
		require.NoError(t, err)
		require.Len(t, cfg.Hash(), 12)
		require.NotContains(t, hashes, cfg.Hash(), environ)
		hashes[cfg.Hash()] = true
	}
	same, err := config.Load(config.LoadOptions{Environ: []string{"FLOWGATE_AUTH_INSECURE_ANONYMOUS=true", "FLOWGATE_LISTEN_HOSTS="}})
	require.NoError(t, err)
	require.Contains(t, hashes, same.Hash(), "an empty list is equal to none")

	same.Namespaces = map[string]config.Namespace{"b": {}, "a": {QueryRejectCondition: config.QueryRejectNone}}
	first := same.Hash()
	require.NotContains(t, hashes, first)
	for range 20 {
		require.Equal(t, first, same.Hash(), "the order of maps has no effect")
	}
}

func TestReplicasOnOneMachineHaveEqualHashes(t *testing.T) {
	t.Parallel()
	load := func(public, admin string) string {
		cfg, err := config.Load(config.LoadOptions{Environ: []string{
			"FLOWGATE_AUTH_INSECURE_ANONYMOUS=true", "FLOWGATE_LISTEN_PUBLIC=" + public, "FLOWGATE_LISTEN_ADMIN=" + admin,
		}})
		require.NoError(t, err)
		hash := cfg.Hash()
		require.Equal(t, public, cfg.Listen.Public, "the configuration itself does not change")
		return hash
	}
	require.Equal(t, load("127.0.0.1:8080", "127.0.0.1:8081"), load("127.0.0.1:8180", "127.0.0.1:8181"))
}
