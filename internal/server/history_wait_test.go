package server_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

// TestAQuietHistoryIsNoHotLoop pages on in a run in which nothing happens: the
// server answers a poll of a second or less at once.
func TestAQuietHistoryIsNoHotLoop(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[string]time.Duration{
		"1ms": time.Second, "1s": time.Second, "3s": 2 * time.Second, "60s": 20 * time.Second, "": 20 * time.Second,
	} {
		for _, query := range []string{"?waitNewEvent=true", "?waitNewEvent=true&eventFilterType=CLOSE_EVENT"} {
			chained(t, nil, func(t *testing.T, g *gateway, _ *fakeChain) {
				path := eventsPath + query + "&pageToken="
				token := g.do(t, http.MethodGet, path, "").field(t, "nextPageToken")
				for range 3 {
					var page answered
					took := elapsed(func() { page = g.do(t, http.MethodGet, path+token, "", "Request-Timeout", timeout) })
					require.Equal(t, want, took, timeout)
					require.Equal(t, http.StatusOK, page.status, page.body)
					require.Equal(t, "[]", page.field(t, "events"))
					token = page.field(t, "nextPageToken")
				}
			})
		}
	}
}

// TestAPageThatWaitsEndsWellOnDrain: its caller goes on elsewhere, where it was.
func TestAPageThatWaitsEndsWellOnDrain(t *testing.T) {
	t.Parallel()
	seals := filepath.Join(t.TempDir(), "seals")
	require.NoError(t, os.WriteFile(seals, bytes.Repeat([]byte("k"), 32), 0o600))
	sharing := func(cfg *config.Config) {
		drainConfig(cfg)
		cfg.Tokens.KeyFiles = []string{seals}
	}
	for _, query := range []string{
		"?waitNewEvent=true", "?waitNewEvent=true&eventFilterType=CLOSE_EVENT", "?eventFilterType=CLOSE_EVENT",
	} {
		var given, token string
		chained(t, sharing, func(t *testing.T, g *gateway, _ *fakeChain) {
			if query == "?waitNewEvent=true" { // which waits for nothing at the start
				given = g.do(t, http.MethodGet, eventsPath+query, "").field(t, "nextPageToken")
			}
			a := drained(t, g, eventsPath+query+"&pageToken="+given)
			require.Equal(t, http.StatusOK, a.status, a.body)
			require.Equal(t, "[]", a.field(t, "events"))
			token = a.field(t, "nextPageToken")
			require.NotEmpty(t, token)
			require.Contains(t, []string{"", token}, given)
		})
		chained(t, sharing, func(t *testing.T, elsewhere *gateway, c *fakeChain) {
			c.terminate()
			a := elsewhere.do(t, http.MethodGet, eventsPath+query+"&pageToken="+token, "")
			require.Equal(t, http.StatusOK, a.status, a.body)
			require.Regexp(t, `^\[[^[]*EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED[^]]*\]$`, a.field(t, "events"))
			require.NotContains(t, a.field(t, "events"), "STARTED")
		})
	}
}

// TestLinesThatWaitSayThatTheGatewayStops: they have no token to go on with, and
// none of them would look like a run that has not closed.
func TestLinesThatWaitSayThatTheGatewayStops(t *testing.T) {
	t.Parallel()
	chained(t, drainConfig, func(t *testing.T, g *gateway, _ *fakeChain) {
		a := drained(t, g, eventsPath+"?eventFilterType=CLOSE_EVENT", "Accept", "application/x-ndjson")
		require.Equal(t, http.StatusServiceUnavailable, a.status)
		require.Equal(t, "draining", a.field(t, "code"))
	})
}

// drained gives the answer of a request that waits when the gateway stops.
func drained(t *testing.T, g *gateway, path string, headers ...string) answered {
	t.Helper()
	waiting := make(chan answered, 1)
	go func() {
		a, _ := g.send(t.Context(), http.MethodGet, path, "", headers...)
		waiting <- a
	}()
	time.Sleep(time.Second)
	synctest.Wait()
	begin := time.Now()
	g.stop()
	a := <-waiting
	require.Equal(t, 5*time.Second, time.Since(begin), "waits end with the delay")
	require.NoError(t, <-g.done)
	return a
}
