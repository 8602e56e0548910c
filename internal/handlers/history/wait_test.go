package history_test

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
	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

// TestPagingAQuietHistoryMakesNoHotLoop follows the pages of a run without new
// events. The server responds to a poll of a second or less at once.
func TestPagingAQuietHistoryMakesNoHotLoop(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[string]time.Duration{
		"1ms": time.Second, "1s": time.Second, "3s": 2 * time.Second, "60s": 20 * time.Second, "": 20 * time.Second,
	} {
		for _, query := range []string{"?waitNewEvent=true", "?waitNewEvent=true&eventFilterType=CLOSE_EVENT"} {
			handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Chain) {
				path := servertest.HistoryPath + query + "&pageToken="
				token := g.Do(t, http.MethodGet, path, "").Field(t, "nextPageToken")
				var headers []string
				if timeout != "" {
					headers = []string{"Request-Timeout", timeout}
				}
				for range 3 {
					var page servertest.Response
					took := servertest.Elapsed(func() { page = g.Do(t, http.MethodGet, path+token, "", headers...) })
					require.Equal(t, want, took, timeout)
					require.Equal(t, http.StatusOK, page.Status, page.Body)
					require.Equal(t, "[]", page.Field(t, "events"))
					token = page.Field(t, "nextPageToken")
				}
			})
		}
	}
}

// TestAPageThatWaitsCompletesOnDrain: its caller continues at another replica.
func TestAPageThatWaitsCompletesOnDrain(t *testing.T) {
	t.Parallel()
	seals := filepath.Join(t.TempDir(), "seals")
	require.NoError(t, os.WriteFile(seals, bytes.Repeat([]byte("k"), 32), 0o600))
	sharing := func(cfg *config.Config) {
		servertest.WithDrain(cfg)
		cfg.Tokens.KeyFiles = []string{seals}
	}
	for _, query := range []string{
		"?waitNewEvent=true", "?waitNewEvent=true&eventFilterType=CLOSE_EVENT", "?eventFilterType=CLOSE_EVENT",
	} {
		var given, token string
		handlerstest.WithChain(t, sharing, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Chain) {
			if query == "?waitNewEvent=true" { // the first page does not wait
				given = g.Do(t, http.MethodGet, servertest.HistoryPath+query, "").Field(t, "nextPageToken")
			}
			a := drained(t, g, servertest.HistoryPath+query+"&pageToken="+given)
			require.Equal(t, http.StatusOK, a.Status, a.Body)
			require.Equal(t, "[]", a.Field(t, "events"))
			token = a.Field(t, "nextPageToken")
			require.NotEmpty(t, token)
			require.Contains(t, []string{"", token}, given)
		})
		handlerstest.WithChain(t, sharing, func(t *testing.T, elsewhere *servertest.Gateway, c *temporalfake.Chain) {
			c.Terminate()
			a := elsewhere.Do(t, http.MethodGet, servertest.HistoryPath+query+"&pageToken="+token, "")
			require.Equal(t, http.StatusOK, a.Status, a.Body)
			require.Regexp(t, `^\[[^[]*EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED[^]]*\]$`, a.Field(t, "events"))
			require.NotContains(t, a.Field(t, "events"), "STARTED")
		})
	}
}

// TestNDJSONThatWaitsReportsTheDrain: the lines have no page token, and a response
// without lines would look like a run that has not closed.
func TestNDJSONThatWaitsReportsTheDrain(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, servertest.WithDrain, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Chain) {
		a := drained(t, g, servertest.HistoryPath+"?eventFilterType=CLOSE_EVENT", "Accept", "application/x-ndjson")
		require.Equal(t, http.StatusServiceUnavailable, a.Status)
		require.Equal(t, "draining", a.Field(t, "code"))
	})
}

// drained returns the response to a request that waits while the gateway drains.
func drained(t *testing.T, g *servertest.Gateway, path string, headers ...string) servertest.Response {
	t.Helper()
	waiting := make(chan servertest.Response, 1)
	go func() {
		a, _ := g.Send(t.Context(), http.MethodGet, path, "", headers...)
		waiting <- a
	}()
	time.Sleep(time.Second)
	synctest.Wait()
	begin := time.Now()
	g.Stop()
	a := <-waiting
	require.Equal(t, 5*time.Second, time.Since(begin), "waits end with the delay")
	require.NoError(t, <-g.Done)
	return a
}
