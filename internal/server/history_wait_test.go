package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
