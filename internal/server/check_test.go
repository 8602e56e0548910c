package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

func TestCheckRejectsUpstreamCredentialsOverPlaintext(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*config.Config)
		ok     bool
	}{
		"plaintext": {func(*config.Config) {}, false},
		"TLS":       {func(cfg *config.Config) { cfg.Upstream.TLS.Enabled = true }, true},
		"allowed":   {func(cfg *config.Config) { cfg.Upstream.Credential.AllowPlaintext = true }, true},
		"loopback":  {func(cfg *config.Config) { cfg.Upstream.Address = "localhost:7233" }, true},
	} {
		cfg := config.Default()
		cfg.Auth.APIKeys.File = servertest.WriteKeys(t)
		cfg.Upstream.Address = "temporal.example:7233"
		test.change(&cfg)
		_, err := server.Check(&cfg)
		if test.ok {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, "keys[2].credential: would be sent without TLS to another host", name)
	}
}
