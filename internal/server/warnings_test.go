package server_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// With the mode passthrough, callers with an API key have no token to pass through. The gateway names them at startup.
func TestStartLogsCallersThatPassthroughRejects(t *testing.T) {
	t.Parallel()
	for mode, warned := range map[string]bool{config.CredentialPassthrough: true, config.CredentialNone: false} {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Upstream.Credential.Mode = mode }})
			synctest.Wait()
			if !warned {
				require.NotContains(t, g.Log.String(), "passthrough")
				return
			}
			require.Contains(t, g.Log.String(), `"level":"WARN","msg":"calls will be rejected","warning":"upstream.credential.mode: passthrough `+
				`sends the caller's JWT; calls without one get 502 upstream-auth-failed: API key expired, API key reader, API key writer"`)
		})
	}
}
