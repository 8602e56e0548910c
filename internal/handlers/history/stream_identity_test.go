package history_test

import (
	"net/http"
	"os"
	"path/filepath"
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

// requireCannotResume requires that the stream has ended, and that the credential can no
// longer resume it.
func requireCannotResume(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain, credential []string) {
	t.Helper()
	requireIdle(t, g, c)
	headers := append([]string{"Accept", "text/event-stream", "Last-Event-ID", c.EventIDs()[0]}, credential...)
	require.Equal(t, http.StatusUnauthorized, g.Do(t, http.MethodGet, servertest.HistoryPath, "", headers...).Status)
}

func TestAStreamEndsWhenTheTokenExpires(t *testing.T) {
	t.Parallel()
	const lifetime, leeway = 5 * time.Minute, 30 * time.Second
	for name, test := range map[string]struct {
		issue func(t *testing.T, g *servertest.Gateway) string
		lasts time.Duration
	}{
		"JWT": {func(*testing.T, *servertest.Gateway) string {
			return servertest.NewJWT(servertest.WithTimeClaim("exp", lifetime))
		}, lifetime + leeway},
		"delegated": {func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			return g.CreateDelegatedToken(t, `{"read":true,"ttl":"5m"}`)
		}, lifetime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{Configure: servertest.TrustIssuer(t, ""), KeyTransport: servertest.NewIssuer()})
				c := temporalfake.NewRunChain(g.Upstream)
				credential := servertest.Bearer(test.issue(t, g))
				s := g.FollowHistory(t, "", credential...)
				s.ReadIDs(t, 1)
				require.Equal(t, test.lasts, s.ReadToEOF(t))
				requireCannotResume(t, g, c, credential)
			})
		})
	}
}

// A stream lasts an hour at most, and its key is checked again when it is resumed.
func TestAStreamOfADisabledKeyEndsWithinAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		file := ""
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { file = cfg.Auth.APIKeys.File }})
		c := temporalfake.NewRunChain(g.Upstream)
		s := g.FollowHistory(t, "", servertest.Bearer(servertest.ReaderKey)...)
		s.ReadIDs(t, 1)
		keys := string(servertest.Must(os.ReadFile(file)))
		disabled := strings.Replace(keys, "{id: reader,", "{id: reader, disabled: true,", 1)
		require.NoError(t, os.WriteFile(file, []byte(disabled), 0o600))
		require.Equal(t, time.Hour, s.ReadToEOF(t))
		requireCannotResume(t, g, c, servertest.Bearer(servertest.ReaderKey))
	})
}

// A stream of a caller whose issuer is removed ends as that of a disabled key does.
func TestAStreamOfARemovedIssuerEndsWithinAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "auth.yaml")
		write := func(issuers string) { require.NoError(t, os.WriteFile(file, []byte("jwt: ["+issuers+"]"), 0o600)) }
		write(`{issuer: "` + servertest.IssuerURL + `", audience: [flowgate], jwksURL: "` + servertest.IssuerURL + `/jwks"}`)
		g := servertest.Start(t, servertest.Options{
			Configure: func(cfg *config.Config) { cfg.Auth.File = file }, KeyTransport: servertest.NewIssuer(),
		})
		c := temporalfake.NewRunChain(g.Upstream)
		credential := servertest.Bearer(servertest.NewJWT(servertest.WithTimeClaim("exp", 2*time.Hour)))
		s := g.FollowHistory(t, "", credential...)
		s.ReadIDs(t, 1)
		write("")
		require.Equal(t, time.Hour, s.ReadToEOF(t))
		requireCannotResume(t, g, c, credential)
	})
}

// An API key can have several secrets. A stream ends when the secret that opened it expires.
func TestAStreamEndsWhenTheSecretExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const lifetime = 10 * time.Minute
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			keys := string(servertest.Must(os.ReadFile(cfg.Auth.APIKeys.File)))
			hash := regexp.MustCompile(`id: reader, secrets: \[\{(sha256: [0-9a-f]+)`).FindStringSubmatch(keys)[1]
			expiring := strings.Replace(keys, hash, hash+", notAfter: "+time.Now().Add(lifetime).UTC().Format(time.RFC3339), 1)
			require.NoError(t, os.WriteFile(cfg.Auth.APIKeys.File, []byte(expiring), 0o600))
		}})
		c := temporalfake.NewRunChain(g.Upstream)
		s := g.FollowHistory(t, "", servertest.Bearer(servertest.ReaderKey)...)
		s.ReadIDs(t, 1)
		require.Equal(t, lifetime, s.ReadToEOF(t))
		time.Sleep(time.Second)
		requireCannotResume(t, g, c, servertest.Bearer(servertest.ReaderKey))
	})
}
