package history_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

// requireNoMore requires that the stream has ended and cannot be resumed.
func requireNoMore(t *testing.T, g *servertest.Gateway, c *temporalfake.Chain, credential []string) {
	t.Helper()
	idle(t, g, c)
	headers := append([]string{"Accept", "text/event-stream", "Last-Event-ID", c.EventIDs()[0]}, credential...)
	require.Equal(t, http.StatusUnauthorized, g.Do(t, http.MethodGet, servertest.HistoryPath, "", headers...).Status)
}

func TestStreamEndsWithItsCallersToken(t *testing.T) {
	t.Parallel()
	const life, leeway = 5 * time.Minute, 30 * time.Second
	for name, test := range map[string]struct {
		issue func(t *testing.T, g *servertest.Gateway) string
		lasts time.Duration
	}{
		"JWT": {func(*testing.T, *servertest.Gateway) string {
			return servertest.NewJWT(servertest.WithTimeClaim("exp", life))
		}, life + leeway},
		"delegated": {func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			return g.DelegateToken(t, `{"read":true,"ttl":"5m"}`)
		}, life},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{Configure: servertest.TrustIssuer(t, ""), KeyTransport: servertest.NewIssuer()})
				c := temporalfake.NewChain(g.Upstream)
				credential := servertest.Bearer(test.issue(t, g))
				s := g.Follow(t, "", credential...)
				s.ReadIDs(t, 1)
				require.Equal(t, test.lasts, s.ReadToEOF(t))
				requireNoMore(t, g, c, credential)
			})
		})
	}
}

// TestStreamOfADisabledKeyEndsWithinTheHour: a stream lasts an hour at most, and
// the key is checked when it is resumed.
func TestStreamOfADisabledKeyEndsWithinTheHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		file := ""
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { file = cfg.Auth.APIKeys.File }})
		c := temporalfake.NewChain(g.Upstream)
		s := g.Follow(t, "", servertest.Bearer(servertest.ReaderKey)...)
		s.ReadIDs(t, 1)
		keys := string(servertest.Must(os.ReadFile(file)))
		disabled := strings.Replace(keys, "{id: reader,", "{id: reader, disabled: true,", 1)
		require.NoError(t, os.WriteFile(file, []byte(disabled), 0o600))
		require.Equal(t, time.Hour, s.ReadToEOF(t))
		requireNoMore(t, g, c, servertest.Bearer(servertest.ReaderKey))
	})
}

// TestStreamEndsWithItsCallersSecret: a secret that expires ends the streams that were opened with it, though the key has
// another.
func TestStreamEndsWithItsCallersSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const life = 10 * time.Minute
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			keys := string(servertest.Must(os.ReadFile(cfg.Auth.APIKeys.File)))
			hash := regexp.MustCompile(`id: reader, secrets: \[\{(sha256: [0-9a-f]+)`).FindStringSubmatch(keys)[1]
			ends := strings.Replace(keys, hash, hash+", notAfter: "+time.Now().Add(life).UTC().Format(time.RFC3339), 1)
			require.NoError(t, os.WriteFile(cfg.Auth.APIKeys.File, []byte(ends), 0o600))
		}})
		c := temporalfake.NewChain(g.Upstream)
		s := g.Follow(t, "", servertest.Bearer(servertest.ReaderKey)...)
		s.ReadIDs(t, 1)
		require.Equal(t, life, s.ReadToEOF(t))
		time.Sleep(time.Second)
		requireNoMore(t, g, c, servertest.Bearer(servertest.ReaderKey))
	})
}
