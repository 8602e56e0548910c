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

// A caller requests page after page of a run without new events. The server responds
// immediately to a poll whose timeout is a second or less.
func TestPagesWithoutEventsMakeNoHotLoop(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[string]time.Duration{ // Request-Timeout, and how long each page takes
		"1ms": time.Second, "1s": time.Second, "3s": 2 * time.Second, "60s": 20 * time.Second, "": 20 * time.Second,
	} {
		for _, query := range []string{"?waitNewEvent=true", "?waitNewEvent=true&eventFilterType=CLOSE_EVENT"} {
			handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.RunChain) {
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

// A request that waits for a page ends on a drain, and its page token is valid at another
// replica.
func TestAWaitForAPageContinuesAtAnotherReplicaAfterADrain(t *testing.T) {
	t.Parallel()
	keyFile := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(keyFile, bytes.Repeat([]byte("k"), 32), 0o600))
	withSharedKey := func(cfg *config.Config) {
		servertest.WithDrain(cfg)
		cfg.Tokens.KeyFiles = []string{keyFile}
	}
	for _, query := range []string{
		"?waitNewEvent=true", "?waitNewEvent=true&eventFilterType=CLOSE_EVENT", "?eventFilterType=CLOSE_EVENT",
	} {
		var sentToken, token string
		handlerstest.WithChain(t, withSharedKey, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.RunChain) {
			if query == "?waitNewEvent=true" { // the first page does not wait
				sentToken = g.Do(t, http.MethodGet, servertest.HistoryPath+query, "").Field(t, "nextPageToken")
			}
			resp := sendBeforeDrain(t, g, servertest.HistoryPath+query+"&pageToken="+sentToken)
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			require.Equal(t, "[]", resp.Field(t, "events"))
			token = resp.Field(t, "nextPageToken")
			require.NotEmpty(t, token)
			require.Contains(t, []string{"", token}, sentToken)
		})
		handlerstest.WithChain(t, withSharedKey, func(t *testing.T, otherReplica *servertest.Gateway, c *temporalfake.RunChain) {
			c.Terminate()
			resp := otherReplica.Do(t, http.MethodGet, servertest.HistoryPath+query+"&pageToken="+token, "")
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			require.Regexp(t, `^\[[^[]*EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED[^]]*\]$`, resp.Field(t, "events"))
			require.NotContains(t, resp.Field(t, "events"), "STARTED")
		})
	}
}

// An NDJSON response has no page token, and without lines it would look like that of a run
// that has not closed. So a drain ends it with an error.
func TestAWaitForNDJSONFailsOnDrain(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, servertest.WithDrain, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.RunChain) {
		resp := sendBeforeDrain(t, g, servertest.HistoryPath+"?eventFilterType=CLOSE_EVENT", "Accept", "application/x-ndjson")
		require.Equal(t, http.StatusServiceUnavailable, resp.Status)
		require.Equal(t, "draining", resp.Field(t, "code"))
	})
}

// sendBeforeDrain returns the response to a request that waits when the gateway drains.
func sendBeforeDrain(t *testing.T, g *servertest.Gateway, path string, headers ...string) servertest.Response {
	t.Helper()
	responses := make(chan servertest.Response, 1)
	go func() {
		resp, _ := g.Send(t.Context(), http.MethodGet, path, "", headers...)
		responses <- resp
	}()
	time.Sleep(time.Second)
	synctest.Wait()
	begin := time.Now()
	g.Stop()
	resp := <-responses
	require.Equal(t, 5*time.Second, time.Since(begin), "waits end after the drain delay")
	require.NoError(t, <-g.Done)
	return resp
}
