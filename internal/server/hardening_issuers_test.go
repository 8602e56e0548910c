package server_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// failingIssuers returns the cases about the key sets of JWT issuers.
func failingIssuers() []hostile {
	row := func(number int, name string, issuer *servertest.Issuer, act func(*testing.T, *servertest.Gateway, *servertest.Issuer) string) hostile {
		return hostile{number: number, name: name, issuer: issuer, act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			return act(t, g, issuer)
		}}
	}
	slow, down := servertest.NewIssuer(), servertest.NewIssuer()
	slow.Latency = 200 * time.Millisecond
	down.RespondWith(unreachable)
	flood := row(20, "a thousand unknown kids", slow, unknownKids)
	flood.configure = func(cfg *config.Config) { cfg.Auth.FailureLimit.Burst = 10_000 }
	long := row(23, "the issuer is down for longer than its keys remain valid", servertest.NewIssuer(), downForLong)
	long.configure = func(cfg *config.Config) { cfg.Auth.JWT[0].MaxStale = maxStale }
	rows := []hostile{
		flood, long,
		row(21, "rotation of keys", servertest.NewIssuer(), rotation),
		row(22, "the issuer is down at the start", down, downAtStart),
	}
	redirect := func(to string) *http.Response {
		return servertest.HTTPResponse(http.StatusFound, "text/html", "", "Location", to)
	}
	for name, response := range map[string]func() *http.Response{
		"10 MB": func() *http.Response {
			return servertest.HTTPResponse(200, "application/json", strings.Repeat(" ", 10<<20)+`{"keys":[]}`)
		},
		"HTML": func() *http.Response {
			return servertest.HTTPResponse(200, "text/html", "<html><body>Log in</body></html>")
		},
		"an empty set":           func() *http.Response { return servertest.HTTPResponse(200, "application/json", `{"keys":[]}`) },
		"a redirect to http":     func() *http.Response { return redirect("http://idp.example/jwks") },
		"a redirect to a host":   func() *http.Response { return redirect("https://evil.example/jwks") }, // not the issuer's
		"an error of the issuer": func() *http.Response { return servertest.HTTPResponse(500, "application/json", `{"keys":[]}`) },
	} {
		rows = append(rows, row(24, name, servertest.NewIssuer(), func(t *testing.T, g *servertest.Gateway, issuer *servertest.Issuer) string {
			t.Helper()
			return invalidResponses(t, g, issuer, response)
		}))
	}
	return rows
}

func unreachable() (*http.Response, error) { return nil, errors.New("connection refused") }

// unknownKids sends a thousand tokens with different unknown kids at once, and another thousand over time.
func unknownKids(t *testing.T, g *servertest.Gateway, issuer *servertest.Issuer) string {
	t.Helper()
	time.Sleep(31 * time.Second) // an unknown kid triggers a fetch only if none began in the last 30 s
	before, calls := issuer.Fetches(), g.UpstreamCalls()
	require.Equal(t, 1, before)
	sent := 0
	reject := func() time.Duration {
		sent++
		forged := servertest.NewJWT(servertest.SignedBy("kid-"+strconv.Itoa(sent), gojwt.SigningMethodES256, servertest.ForgerKey()))
		return servertest.Elapsed(func() {
			resp := get(servertest.WorkflowsPath, servertest.Bearer(forged)...).Send(t, g)
			require.Equal(t, http.StatusUnauthorized, resp.Status, resp.Body)
			requireWellFormed(t, resp, "invalid-token")
		})
	}
	require.Equal(t, issuer.Latency, reject(), "only the first request waits for the fetch")
	for range 999 {
		require.Zero(t, reject())
	}
	atOnce := issuer.Fetches() - before
	require.Equal(t, 1, atOnce)

	const pause = 100 * time.Millisecond
	begin := time.Now()
	for range 1000 {
		time.Sleep(pause)
		reject()
	}
	took := time.Since(begin)
	overTime := issuer.Fetches() - before - atOnce
	require.LessOrEqual(t, overTime, int(took/(30*time.Second))+1)
	require.Equal(t, calls, g.UpstreamCalls())
	require.Equal(t, http.StatusOK, withCredential(servertest.Bearer(servertest.NewJWT())...).Send(t, g).Status, "valid tokens are still accepted")
	return fmt.Sprintf("1000 kids at once: %d fetch, all but the first without a wait; 1000 kids in %s: %d fetches; 401, 0 upstream calls",
		atOnce, took, overTime)
}

// rotation publishes a new key and removes the two old keys one after the other.
func rotation(t *testing.T, g *servertest.Gateway, issuer *servertest.Issuer) string {
	t.Helper()
	longLived := servertest.WithTimeClaim("exp", 10*time.Hour)
	old, spare := servertest.NewJWT(longLived), servertest.NewJWT(longLived, servertest.SignedBy("rsa", gojwt.SigningMethodRS256, servertest.RSAKey()))
	requireAccepted(t, g, issuer, old)
	requireAccepted(t, g, issuer, spare)
	issuer.Publish(map[string]any{"rsa": servertest.RSAKey().Public(), "later": servertest.RotatedKey().Public()})
	later := servertest.NewJWT(longLived, servertest.SignedBy("later", gojwt.SigningMethodES256, servertest.RotatedKey()))
	requireRejectedWithoutFetch(t, g, issuer, later) // the keys were fetched a moment ago
	requireAccepted(t, g, issuer, old)
	time.Sleep(30 * time.Second) // until an unknown kid can trigger another fetch
	requireAccepted(t, g, issuer, later)
	require.Equal(t, 2, issuer.Fetches())
	requireRejectedWithoutFetch(t, g, issuer, old) // although it was accepted before
	requireRejectedWithoutFetch(t, g, issuer, servertest.NewJWT(longLived))

	issuer.Publish(map[string]any{"later": servertest.RotatedKey().Public()})
	requireAccepted(t, g, issuer, spare)
	time.Sleep(15*time.Minute + time.Second) // until the next regular fetch of the keys
	synctest.Wait()
	requireRejected(t, g, spare)
	requireAccepted(t, g, issuer, later)
	return fmt.Sprintf("a new key is accepted after 30s, a removed one is rejected after the refresh, known tokens too; %d fetches", issuer.Fetches())
}

func downAtStart(t *testing.T, g *servertest.Gateway, issuer *servertest.Issuer) string {
	t.Helper()
	requireKeysUnavailable(t, g, servertest.NewJWT())
	require.Equal(t, http.StatusOK, withCredential(servertest.Bearer(servertest.WriterKey)...).Send(t, g).Status, "API keys do not depend on the issuer")
	for _, client := range []*http.Client{g.Client, g.Admin} {
		require.Equal(t, http.StatusServiceUnavailable, getAnonymously(t, client, "/readyz").Status)
		require.Equal(t, http.StatusOK, getAnonymously(t, client, "/livez").Status)
	}
	require.Contains(t, getAnonymously(t, g.Admin, "/readyz").Body, "idp")
	require.NotContains(t, getAnonymously(t, g.Client, "/readyz").Body, "idp")
	issuer.RespondWith(nil)
	time.Sleep(time.Minute)
	synctest.Wait()
	requireAccepted(t, g, issuer, servertest.NewJWT())
	require.Equal(t, http.StatusOK, getAnonymously(t, g.Client, "/readyz").Status)
	return "503 jwks-unavailable, /readyz 503, /livez 200, 0 upstream calls; 200 after the issuer has recovered"
}

// requireKeysUnavailable requires that both doors respond with 503 and not 401, because the token may be valid.
func requireKeysUnavailable(t *testing.T, g *servertest.Gateway, token string) {
	t.Helper()
	before := g.UpstreamCalls()
	api, temporal := sendToBothDoors(t, g, token)
	require.Equal(t, http.StatusServiceUnavailable, api.Status, api.Body)
	requireWellFormed(t, api, "jwks-unavailable")
	require.Empty(t, api.Header.Get("WWW-Authenticate"))
	servertest.RequireRPCError(t, temporal, http.StatusServiceUnavailable, codes.Unavailable)
	for _, resp := range []servertest.Response{api, temporal} {
		require.Equal(t, "1", resp.Header.Get("Retry-After"))
	}
	require.Equal(t, before, g.UpstreamCalls())
}

// getAnonymously makes a request without a credential.
func getAnonymously(t *testing.T, client *http.Client, path string) servertest.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, http.NoBody)
	require.NoError(t, err)
	got, err := client.Do(request)
	require.NoError(t, err)
	return servertest.ReadResponse(t, got)
}

// maxStale is how long keys remain valid if they cannot be fetched again. It is shorter than the default of a day,
// because the health checks of a virtual day would make the test slow.
const maxStale = 2 * time.Hour

func downForLong(t *testing.T, g *servertest.Gateway, issuer *servertest.Issuer) string {
	t.Helper()
	issuer.RespondWith(unreachable)
	time.Sleep(time.Hour)
	known := servertest.NewJWT(servertest.WithTimeClaim("exp", 23*time.Hour))
	requireAccepted(t, g, issuer, known)
	time.Sleep(maxStale - time.Hour)
	synctest.Wait()
	requireAccepted(t, g, issuer, known)
	requireAccepted(t, g, issuer, servertest.NewJWT())
	time.Sleep(time.Second)
	synctest.Wait()
	requireKeysUnavailable(t, g, servertest.NewJWT())
	requireKeysUnavailable(t, g, known)
	require.Equal(t, http.StatusOK, withCredential(servertest.Bearer(servertest.WriterKey)...).Send(t, g).Status)
	issuer.RespondWith(nil)
	time.Sleep(time.Minute)
	synctest.Wait()
	requireAccepted(t, g, issuer, servertest.NewJWT())
	return fmt.Sprintf("200 for %s, then 503 jwks-unavailable, known tokens too; %d fetches", maxStale, issuer.Fetches())
}

// failedFetches returns the number of failed fetches of keys, as the metrics report it.
func failedFetches(t *testing.T, g *servertest.Gateway) int {
	t.Helper()
	found := regexp.MustCompile(`flowgate_jwks_fetches_total\{[^}]*outcome="failure"[^}]*\} (\d+)`).
		FindStringSubmatch(getAnonymously(t, g.Admin, "/metrics").Body)
	if found == nil {
		return 0
	}
	return servertest.Must(strconv.Atoi(found[1]))
}

func invalidResponses(t *testing.T, g *servertest.Gateway, issuer *servertest.Issuer, response func() *http.Response) string {
	t.Helper()
	known := servertest.NewJWT()
	requireAccepted(t, g, issuer, known)
	require.Zero(t, failedFetches(t, g))
	issuer.RespondWith(func() (*http.Response, error) { return response(), nil })
	time.Sleep(20 * time.Minute) // the keys are fetched every 15 minutes
	synctest.Wait()
	failed := failedFetches(t, g)
	require.Positive(t, failed)
	require.Equal(t, failed+1, issuer.Fetches(), "all fetches but the first fail")
	for _, address := range issuer.Addresses() {
		require.Equal(t, servertest.IssuerURL+"/jwks", address)
	}
	requireAccepted(t, g, issuer, known)
	requireAccepted(t, g, issuer, servertest.NewJWT())
	require.Equal(t, http.StatusOK, getAnonymously(t, g.Client, "/readyz").Status)
	return fmt.Sprintf("the old keys are kept: 200 after %d failed fetches", failed)
}
