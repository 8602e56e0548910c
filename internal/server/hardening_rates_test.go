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
)

// entry is a key and what stands beside its id and its secret in the keys file.
type entry struct{ key, rest string }

// withKeys adds entries to the keys file.
func withKeys(entries ...entry) func(*config.Config) {
	return func(cfg *config.Config) {
		text := must(os.ReadFile(cfg.Auth.APIKeys.File))
		for _, e := range entries {
			at := strings.LastIndexByte(e.key, '_')
			sum := sha256.Sum256([]byte(e.key[at+1:]))
			text = fmt.Appendf(text, "  - {id: %s, secrets: [{sha256: %s}], %s}\n", e.key[len("fg_"):at], hex.EncodeToString(sum[:]), e.rest)
		}
		must(0, os.WriteFile(cfg.Auth.APIKeys.File, text, 0o600))
	}
}

const pacedKey = "fg_paced_pppppppppppppppppppppppppppppppp"

// rates are the cases about how much one caller may ask for, and for which
// namespace.
func rates() []hostile {
	paced := func(name string, first, second string) hostile {
		return hostile{
			number: 70, name: name,
			configure: withKeys(entry{pacedKey, "rate: {perSecond: 0.5, burst: 3}, grants: [{namespace: default, role: read}]"}),
			act: func(t *testing.T, g *gateway) string {
				t.Helper()
				return overRate(t, g, first, second)
			},
		}
	}
	return []hostile{
		paced("over the key's rate", workflows, temporalWorkflows),
		paced("over the key's rate at the Temporal door", temporalWorkflows, workflows),
		{
			number: 26, name: "another namespace in the body", status: http.StatusBadRequest, code: "unknown-field",
			ask: post(start1(`"namespace":"other"`)), // which has no place there
		},
		{number: 26, name: "another namespace in the body at the Temporal door", act: otherNamespace},
	}
}

// overRate uses the rate up at one door and finds it used up at the other.
func overRate(t *testing.T, g *gateway, first, second string) string {
	t.Helper()
	lists(g)
	before := g.asked()
	ask := func(path, key string) answered { return get(path, bearer(key)...).send(t, g) }
	for left := 2; left >= 0; left-- {
		a := ask(first, pacedKey)
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Equal(t, `"key";q=3;w=6`, a.header.Get("RateLimit-Policy"))
		require.Equal(t, fmt.Sprintf(`"key";r=%d;t=%d`, left, 2*(3-left)), a.header.Get("RateLimit"))
	}
	for _, path := range []string{first, second} {
		a := ask(path, pacedKey)
		require.Equal(t, http.StatusTooManyRequests, a.status, a.body)
		require.Equal(t, "2", a.header.Get("Retry-After"))
		require.Equal(t, `"key";q=3;w=6`, a.header.Get("RateLimit-Policy"))
		require.Equal(t, `"key";r=0;t=6`, a.header.Get("RateLimit"))
		if path == temporalWorkflows {
			requireStatus(t, a, http.StatusTooManyRequests, codes.ResourceExhausted)
		} else {
			requireForm(t, a, "rate-limited")
		}
	}
	require.Equal(t, before+3, g.asked())
	for _, key := range []string{writerKey, readerKey} {
		for _, path := range []string{first, second} {
			a := ask(path, key)
			require.Equal(t, http.StatusOK, a.status, a.body)
			require.Empty(t, a.header.Get("RateLimit"))
		}
	}
	time.Sleep(2 * time.Second)
	synctest.Wait()
	require.Equal(t, http.StatusOK, ask(second, pacedKey).status, "after Retry-After")
	return "429 after 3 calls, Retry-After 2, RateLimit headers, 0 upstream calls; others are served"
}

func otherNamespace(t *testing.T, g *gateway) string {
	t.Helper()
	before := g.asked()
	for _, body := range []string{`{"namespace":"other"}`, `{"namespace":"default","namespace":"other"}`, `{"links":[{"workflowEvent":{"namespace":"other"}}]}`} {
		a := g.do(t, http.MethodPost, "/api/v1/namespaces/default/workflows/w", body)
		requireStatus(t, a, http.StatusBadRequest, codes.InvalidArgument)
	}
	require.Equal(t, before, g.asked())
	return "400 INVALID_ARGUMENT, 0 upstream calls"
}
