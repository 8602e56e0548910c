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

// failingIssuers are the cases about the keys behind tokens.
func failingIssuers() []hostile {
	row := func(number int, name string, from *servertest.Issuer, act func(*testing.T, *servertest.Gateway, *servertest.Issuer) string) hostile {
		return hostile{number: number, name: name, issuer: from, act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			return act(t, g, from)
		}}
	}
	slow, down := servertest.NewIssuer(), servertest.NewIssuer()
	slow.Latency = 200 * time.Millisecond
	down.RespondWith(unreachable)
	flood := row(20, "a thousand unknown kids", slow, unknownKids)
	flood.configure = func(cfg *config.Config) { cfg.Auth.FailureLimit.Burst = 10_000 }
	long := row(23, "the issuer is down for longer than its keys are good", servertest.NewIssuer(), downForLong)
	long.configure = func(cfg *config.Config) { cfg.Auth.JWT[0].MaxStale = maxStale }
	rows := []hostile{
		flood, long,
		row(21, "keys come and go", servertest.NewIssuer(), rotation),
		row(22, "the issuer is down at the start", down, downAtStart),
	}
	redirect := func(to string) *http.Response {
		return servertest.HTTPResponse(http.StatusFound, "text/html", "", "Location", to)
	}
	for name, answer := range map[string]func() *http.Response{
		"10 MB": func() *http.Response {
			return servertest.HTTPResponse(200, "application/json", strings.Repeat(" ", 10<<20)+`{"keys":[]}`)
		},
		"HTML": func() *http.Response {
			return servertest.HTTPResponse(200, "text/html", "<html><body>Log in</body></html>")
		},
		"an empty set":             func() *http.Response { return servertest.HTTPResponse(200, "application/json", `{"keys":[]}`) },
		"a redirect to http":       func() *http.Response { return redirect("http://idp.example/jwks") },
		"a redirect to another":    func() *http.Response { return redirect("https://evil.example/jwks") },
		"an error of the issuer's": func() *http.Response { return servertest.HTTPResponse(500, "application/json", `{"keys":[]}`) },
	} {
		rows = append(rows, row(24, name, servertest.NewIssuer(), func(t *testing.T, g *servertest.Gateway, from *servertest.Issuer) string {
			t.Helper()
			return badAnswers(t, g, from, answer)
		}))
	}
	return rows
}

func unreachable() (*http.Response, error) { return nil, errors.New("connection refused") }

// unknownKids sends a thousand at once and another thousand over some time.
func unknownKids(t *testing.T, g *servertest.Gateway, from *servertest.Issuer) string {
	t.Helper()
	time.Sleep(31 * time.Second) // the next request fetches
	before, calls := from.Fetches(), g.UpstreamCalls()
	require.Equal(t, 1, before)
	sent := 0
	refuse := func() time.Duration {
		sent++
		forged := servertest.NewJWT(servertest.SignedBy("kid-"+strconv.Itoa(sent), gojwt.SigningMethodES256, servertest.ForgerKey()))
		return servertest.Elapsed(func() {
			a := get(servertest.WorkflowsPath, servertest.Bearer(forged)...).Send(t, g)
			require.Equal(t, http.StatusUnauthorized, a.Status, a.Body)
			requireForm(t, a, "invalid-token")
		})
	}
	require.Equal(t, from.Latency, refuse(), "the first waits for the fetch")
	for range 999 {
		require.Zero(t, refuse())
	}
	atOnce := from.Fetches() - before
	require.Equal(t, 1, atOnce)

	const pause = 100 * time.Millisecond
	begin := time.Now()
	for range 1000 {
		time.Sleep(pause)
		refuse()
	}
	took := time.Since(begin)
	later := from.Fetches() - before - atOnce
	require.LessOrEqual(t, later, int(took/(30*time.Second))+1)
	require.Equal(t, calls, g.UpstreamCalls())
	require.Equal(t, http.StatusOK, as(servertest.Bearer(servertest.NewJWT())...).Send(t, g).Status, "the issuer's tokens are taken all the same")
	return fmt.Sprintf("1000 kids at once: %d fetch, all but the first without a wait; 1000 kids in %s: %d fetches; 401, 0 upstream calls",
		atOnce, took, later)
}

// rotation has one key come and two go.
func rotation(t *testing.T, g *servertest.Gateway, from *servertest.Issuer) string {
	t.Helper()
	long := servertest.WithTimeClaim("exp", 10*time.Hour)
	old, spare := servertest.NewJWT(long), servertest.NewJWT(long, servertest.SignedBy("rsa", gojwt.SigningMethodRS256, servertest.RSAKey()))
	takesToken(t, g, from, old)
	takesToken(t, g, from, spare)
	from.Publish(map[string]any{"rsa": servertest.RSAKey().Public(), "later": servertest.LaterKey().Public()})
	later := servertest.NewJWT(long, servertest.SignedBy("later", gojwt.SigningMethodES256, servertest.LaterKey()))
	refusesToken(t, g, from, later) // too early after the last fetch
	takesToken(t, g, from, old)
	time.Sleep(30 * time.Second)
	takesToken(t, g, from, later)
	require.Equal(t, 2, from.Fetches())
	refusesToken(t, g, from, old) // though it was taken before
	refusesToken(t, g, from, servertest.NewJWT(long))

	from.Publish(map[string]any{"later": servertest.LaterKey().Public()})
	takesToken(t, g, from, spare)
	time.Sleep(15*time.Minute + time.Second)
	synctest.Wait()
	refused(t, g, spare)
	takesToken(t, g, from, later)
	return fmt.Sprintf("a new key is taken after 30s, a removed one refused after the refresh, known tokens too; %d fetches", from.Fetches())
}

func downAtStart(t *testing.T, g *servertest.Gateway, from *servertest.Issuer) string {
	t.Helper()
	withoutKeys(t, g, servertest.NewJWT())
	require.Equal(t, http.StatusOK, as(servertest.Bearer(servertest.WriterKey)...).Send(t, g).Status, "keys are another matter")
	for _, client := range []*http.Client{g.Client, g.Admin} {
		require.Equal(t, http.StatusServiceUnavailable, visit(t, client, "/readyz").Status)
		require.Equal(t, http.StatusOK, visit(t, client, "/livez").Status)
	}
	require.Contains(t, visit(t, g.Admin, "/readyz").Body, "idp")
	require.NotContains(t, visit(t, g.Client, "/readyz").Body, "idp")
	from.RespondWith(nil)
	time.Sleep(time.Minute)
	synctest.Wait()
	takesToken(t, g, from, servertest.NewJWT())
	require.Equal(t, http.StatusOK, visit(t, g.Client, "/readyz").Status)
	return "503 jwks-unavailable, /readyz 503, /livez 200, 0 upstream calls; 200 when the issuer is back"
}

// withoutKeys holds both doors to the answer that blames no token.
func withoutKeys(t *testing.T, g *servertest.Gateway, token string) {
	t.Helper()
	before := g.UpstreamCalls()
	api, temporal := withToken(t, g, token)
	require.Equal(t, http.StatusServiceUnavailable, api.Status, api.Body)
	requireForm(t, api, "jwks-unavailable")
	require.Empty(t, api.Header.Get("WWW-Authenticate"))
	servertest.RequireStatus(t, temporal, http.StatusServiceUnavailable, codes.Unavailable)
	for _, a := range []servertest.Response{api, temporal} {
		require.Equal(t, "1", a.Header.Get("Retry-After"))
	}
	require.Equal(t, before, g.UpstreamCalls())
}

// visit makes a request without a credential.
func visit(t *testing.T, client *http.Client, path string) servertest.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, http.NoBody)
	require.NoError(t, err)
	got, err := client.Do(request)
	require.NoError(t, err)
	return servertest.ReadResponse(t, got)
}

// maxStale is not the default, a day, in which the gateway looks 6,000 times at
// the upstream's health.
const maxStale = 2 * time.Hour

func downForLong(t *testing.T, g *servertest.Gateway, from *servertest.Issuer) string {
	t.Helper()
	from.RespondWith(unreachable)
	time.Sleep(time.Hour)
	known := servertest.NewJWT(servertest.WithTimeClaim("exp", 23*time.Hour))
	takesToken(t, g, from, known)
	time.Sleep(maxStale - time.Hour)
	synctest.Wait()
	takesToken(t, g, from, known)
	takesToken(t, g, from, servertest.NewJWT())
	time.Sleep(time.Second)
	synctest.Wait()
	withoutKeys(t, g, servertest.NewJWT())
	withoutKeys(t, g, known)
	require.Equal(t, http.StatusOK, as(servertest.Bearer(servertest.WriterKey)...).Send(t, g).Status)
	from.RespondWith(nil)
	time.Sleep(time.Minute)
	synctest.Wait()
	takesToken(t, g, from, servertest.NewJWT())
	return fmt.Sprintf("200 for %s, then 503 jwks-unavailable, known tokens too; %d fetches", maxStale, from.Fetches())
}

// failedFetches is what the metric of fetches says of those that failed.
func failedFetches(t *testing.T, g *servertest.Gateway) int {
	t.Helper()
	found := regexp.MustCompile(`flowgate_jwks_fetches_total\{[^}]*outcome="failure"[^}]*\} (\d+)`).
		FindStringSubmatch(visit(t, g.Admin, "/metrics").Body)
	if found == nil {
		return 0
	}
	return servertest.Must(strconv.Atoi(found[1]))
}

func badAnswers(t *testing.T, g *servertest.Gateway, from *servertest.Issuer, answer func() *http.Response) string {
	t.Helper()
	known := servertest.NewJWT()
	takesToken(t, g, from, known)
	require.Zero(t, failedFetches(t, g))
	from.RespondWith(func() (*http.Response, error) { return answer(), nil })
	time.Sleep(20 * time.Minute) // the keys are fetched every 15
	synctest.Wait()
	failed := failedFetches(t, g)
	require.Positive(t, failed)
	require.Equal(t, failed+1, from.Fetches(), "and nobody else is asked")
	for _, address := range from.Addresses() {
		require.Equal(t, servertest.IssuerURL+"/jwks", address)
	}
	takesToken(t, g, from, known)
	takesToken(t, g, from, servertest.NewJWT())
	require.Equal(t, http.StatusOK, visit(t, g.Client, "/readyz").Status)
	return fmt.Sprintf("the old keys are kept: 200 after %d failed fetches, which the metric counts", failed)
}
