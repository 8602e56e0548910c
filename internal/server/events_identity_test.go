package server_test

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
)

// requireNoMore requires that a stream cannot be gone on with.
func requireNoMore(t *testing.T, g *gateway, c *fakeChain, credential []string) {
	t.Helper()
	idle(t, g, c)
	headers := append([]string{"Accept", "text/event-stream", "Last-Event-ID", c.ids()[0]}, credential...)
	require.Equal(t, http.StatusUnauthorized, g.do(t, http.MethodGet, eventsPath, "", headers...).status)
}

func TestStreamEndsWithItsCallersToken(t *testing.T) {
	t.Parallel()
	const life, leeway = 5 * time.Minute, 30 * time.Second
	for name, test := range map[string]struct {
		issue func(t *testing.T, g *gateway) string
		lasts time.Duration
	}{
		"JWT": {func(*testing.T, *gateway) string { return token(within("exp", life)) }, life + leeway},
		"delegated": {func(t *testing.T, g *gateway) string {
			t.Helper()
			return g.delegate(t, `{"read":true,"ttl":"5m"}`)
		}, life},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := start(t, startOptions{configure: trusting(t, ""), keyTransport: newIssuer()})
				c := newFakeChain(g.upstream)
				credential := bearer(test.issue(t, g))
				s := g.follow(t, "", credential...)
				s.ids(t, 1)
				require.Equal(t, test.lasts, s.lasts(t))
				requireNoMore(t, g, c, credential)
			})
		})
	}
}

// TestStreamOfAKeyThatIsTakenAway ends within the hour that a stream lasts.
func TestStreamOfAKeyThatIsTakenAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		file := ""
		g := start(t, startOptions{configure: func(cfg *config.Config) { file = cfg.Auth.APIKeys.File }})
		c := newFakeChain(g.upstream)
		s := g.follow(t, "", bearer(readerKey)...)
		s.ids(t, 1)
		keys := string(must(os.ReadFile(file)))
		disabled := strings.Replace(keys, "{id: reader,", "{id: reader, disabled: true,", 1)
		require.NoError(t, os.WriteFile(file, []byte(disabled), 0o600))
		require.Equal(t, time.Hour, s.lasts(t))
		requireNoMore(t, g, c, bearer(readerKey))
	})
}

// TestStreamEndsWithItsCallersSecret: one that ends at a time ends what was asked for with it, though the key has another.
func TestStreamEndsWithItsCallersSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const life = 10 * time.Minute
		g := start(t, startOptions{configure: func(cfg *config.Config) {
			keys := string(must(os.ReadFile(cfg.Auth.APIKeys.File)))
			hash := regexp.MustCompile(`id: reader, secrets: \[\{(sha256: [0-9a-f]+)`).FindStringSubmatch(keys)[1]
			ends := strings.Replace(keys, hash, hash+", notAfter: "+time.Now().Add(life).UTC().Format(time.RFC3339), 1)
			require.NoError(t, os.WriteFile(cfg.Auth.APIKeys.File, []byte(ends), 0o600))
		}})
		c := newFakeChain(g.upstream)
		s := g.follow(t, "", bearer(readerKey)...)
		s.ids(t, 1)
		require.Equal(t, life, s.lasts(t))
		time.Sleep(time.Second)
		requireNoMore(t, g, c, bearer(readerKey))
	})
}
