package server_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server"
)

// TestATokenCostsHardlyMoreThanAKey compares calls with a JWT that was verified
// before with calls with an API key, in turns, and prints both. Machines are
// noisy, so that the bound is far above the ratio that is aimed at, 1.1.
func TestATokenCostsHardlyMoreThanAKey(t *testing.T) { //nolint:paralleltest // it measures
	const rounds, calls, bound = 15, 200, 1.5
	from := newIssuer()
	g := startIn(t, changed(trusting(t, ""), func(cfg *config.Config) { cfg.Listen.DrainDelay = 0 }), server.Options{KeyTransport: from})
	newFakeWorkflow(g.upstream)
	callers := map[string]string{"an API key": "Bearer " + writerKey, "a JWT": "Bearer " + token()}
	took := map[string][]time.Duration{}
	for range rounds {
		for name, credential := range callers {
			begin := time.Now()
			for range calls {
				a := g.do(t, http.MethodGet, workflows+"/w", "", "Authorization", credential)
				require.Equal(t, http.StatusOK, a.status, a.body)
			}
			took[name] = append(took[name], time.Since(begin)/calls)
		}
	}
	key, jwt := slices.Min(took["an API key"]), slices.Min(took["a JWT"])
	ratio := float64(jwt) / float64(key)
	t.Logf("a call with an API key takes %s, with a JWT %s: %.3f times", key, jwt, ratio)
	require.Less(t, ratio, bound)
}
