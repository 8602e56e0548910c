package token_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

const tokensPath = servertest.OrderPath + "/tokens"

func TestATokenPermitsOnlyTheRequestedOperations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		temporalfake.NewWorkflow(g.Upstream)
		bearer := servertest.Bearer(g.CreateDelegatedToken(t, `{"read":true}`))
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.OrderPath, "", bearer...).Status)
		resp := g.Do(t, http.MethodPost, servertest.OrderPath+"/signal", `{"signal":"approve"}`, bearer...)
		require.Equal(t, "operation-forbidden", resp.Field(t, "code"), resp.Body)
		resp = g.Do(t, http.MethodPost, tokensPath, `{"read":true}`, bearer...)
		require.Equal(t, "operation-forbidden", resp.Field(t, "code"), resp.Body)
	})
}

func TestTheLifetimeOfATokenIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Tokens.MaxTTL = time.Hour }})
		for body, want := range map[string]time.Duration{
			`{"read":true}`: time.Hour, `{"read":true,"ttl":"1s"}`: time.Second, `{"read":true,"ttl":"1000h"}`: time.Hour,
		} {
			resp := g.Do(t, http.MethodPost, tokensPath, body)
			expires, err := time.Parse(time.RFC3339, resp.Field(t, "expiresAt"))
			require.NoError(t, err, resp.Body)
			require.Equal(t, want, time.Until(expires), body)
		}
	})
}

func TestInvalidTokensAreNotIssued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		listOf := func(n int) string { return `["` + strings.Join(make([]string, n), `s","`) + `s"]` }
		for body, pointer := range map[string]string{
			`{}`:                             "",
			`{"read":true,"ttl":"999ms"}`:    "/ttl",
			`{"updates":["u",""]}`:           "/updates/1",
			`{"signals":` + listOf(21) + `}`: "/signals",
		} {
			resp := g.Do(t, http.MethodPost, tokensPath, body)
			require.Equal(t, http.StatusBadRequest, resp.Status, resp.Body)
			require.Equal(t, "invalid-request", resp.Field(t, "code"))
			if pointer != "" {
				require.Contains(t, resp.Body, `"pointer":"`+pointer+`"`)
			}
		}
		require.Equal(t, http.StatusCreated, g.Do(t, http.MethodPost, tokensPath, `{"signals":`+listOf(20)+`}`).Status)
	})
}
