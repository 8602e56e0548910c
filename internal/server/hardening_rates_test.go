package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// keyEntry is an entry of the keys file: an API key, and the YAML members of the entry other than "id" and "secrets".
type keyEntry struct{ key, rest string }

// withKeys adds entries to the keys file.
func withKeys(entries ...keyEntry) func(*config.Config) {
	return func(cfg *config.Config) {
		text := servertest.Must(os.ReadFile(cfg.Auth.APIKeys.File))
		for _, e := range entries {
			at := strings.LastIndexByte(e.key, '_')
			sum := sha256.Sum256([]byte(e.key[at+1:]))
			text = fmt.Appendf(text, "  - {id: %s, secrets: [{sha256: %s}], %s}\n", e.key[len("fg_"):at], hex.EncodeToString(sum[:]), e.rest)
		}
		servertest.Must(0, os.WriteFile(cfg.Auth.APIKeys.File, text, 0o600))
	}
}

const limitedKey = "fg_paced_pppppppppppppppppppppppppppppppp"

// rates returns the cases about the rate limit of a key, and about other namespaces.
func rates() []hostile {
	limited := func(name string, usedPath, otherPath string) hostile {
		return hostile{
			number: 70, name: name,
			configure: withKeys(keyEntry{limitedKey, "rate: {perSecond: 0.5, burst: 3}, grants: [{namespace: default, role: read}]"}),
			act: func(t *testing.T, g *servertest.Gateway) string {
				t.Helper()
				return overRate(t, g, usedPath, otherPath)
			},
		}
	}
	return []hostile{
		limited("more requests than the key's rate limit", servertest.WorkflowsPath, temporalWorkflowsPath),
		limited("more requests than the key's rate limit, to the Temporal HTTP API", temporalWorkflowsPath, servertest.WorkflowsPath),
		{
			number: 26, name: "another namespace in the body", status: http.StatusBadRequest, code: "unknown-field",
			request: post(servertest.StartBody(`"namespace":"other"`)), // the client API has no such field
		},
		{number: 26, name: "another namespace in the body, to the Temporal HTTP API", act: otherNamespace},
	}
}

// overRate exceeds the rate limit with requests to usedPath. It requires that requests to otherPath, at the other door,
// are rejected too.
func overRate(t *testing.T, g *servertest.Gateway, usedPath, otherPath string) string {
	t.Helper()
	serveLists(g)
	before := g.UpstreamCalls()
	send := func(path, key string) servertest.Response { return get(path, servertest.Bearer(key)...).Send(t, g) }
	for left := 2; left >= 0; left-- {
		resp := send(usedPath, limitedKey)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.Equal(t, `"key";q=3;w=6`, resp.Header.Get("RateLimit-Policy"))
		const restored = 2 // seconds for each request, at 0.5 requests per second
		require.Equal(t, fmt.Sprintf(`"key";r=%d;t=%d`, left, restored*(3-left)), resp.Header.Get("RateLimit"))
	}
	for _, path := range []string{usedPath, otherPath} {
		resp := send(path, limitedKey)
		require.Equal(t, http.StatusTooManyRequests, resp.Status, resp.Body)
		require.Equal(t, "2", resp.Header.Get("Retry-After"))
		require.Equal(t, `"key";q=3;w=6`, resp.Header.Get("RateLimit-Policy"))
		require.Equal(t, `"key";r=0;t=6`, resp.Header.Get("RateLimit"))
		if path == temporalWorkflowsPath {
			servertest.RequireRPCError(t, resp, http.StatusTooManyRequests, codes.ResourceExhausted)
		} else {
			requireWellFormed(t, resp, "rate-limited")
		}
	}
	require.Equal(t, before+3, g.UpstreamCalls())
	for _, key := range []string{servertest.WriterKey, servertest.ReaderKey} {
		for _, path := range []string{usedPath, otherPath} {
			resp := send(path, key)
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			require.Empty(t, resp.Header.Get("RateLimit"))
		}
	}
	time.Sleep(2 * time.Second) // the time in Retry-After
	synctest.Wait()
	require.Equal(t, http.StatusOK, send(otherPath, limitedKey).Status)
	return "429 after 3 calls, Retry-After 2, RateLimit headers, 0 upstream calls; others are served"
}

func otherNamespace(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	before := g.UpstreamCalls()
	for _, body := range []string{`{"namespace":"other"}`, `{"namespace":"default","namespace":"other"}`, `{"links":[{"workflowEvent":{"namespace":"other"}}]}`} {
		resp := g.Do(t, http.MethodPost, "/api/v1/namespaces/default/workflows/w", body)
		servertest.RequireRPCError(t, resp, http.StatusBadRequest, codes.InvalidArgument)
	}
	require.Equal(t, before, g.UpstreamCalls())
	return "400 INVALID_ARGUMENT, 0 upstream calls"
}
