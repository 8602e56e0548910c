package server_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/server/servertest"
)

// hostileCredentials are the cases about who calls.
func hostileCredentials() []hostile {
	refused := func(number int, name, code string, credential ...string) hostile {
		return hostile{number: number, name: name, ask: as(credential...), status: http.StatusUnauthorized, code: code}
	}
	ambiguous := func(number int, name string, credential ...string) hostile {
		return hostile{number: number, name: name, ask: as(credential...), status: http.StatusBadRequest, code: "ambiguous-credentials"}
	}
	none := refused(1, "no credential", "unauthenticated")
	none.check = header("WWW-Authenticate", `Bearer realm="flowgate"`)
	inQuery := refused(6, "a key in the query", "unauthenticated")
	inQuery.ask.Path += "?api_key=" + servertest.WriterKey
	inQuery.check = func(t *testing.T, g *servertest.Gateway, a servertest.Response) {
		t.Helper()
		require.NotContains(t, g.Log.String()+a.Body, servertest.WriterKey)
	}
	large := refused(8, "a token of 9 KiB", "invalid-credential", "Authorization", "Bearer "+strings.Repeat("a", 9<<10))
	large.check = header("WWW-Authenticate", `Bearer realm="flowgate", error="invalid_token"`)
	return []hostile{
		none,
		refused(2, "another scheme", "unauthenticated", "Authorization", "Basic eDp5"),
		refused(3, "a scheme alone", "invalid-credential", "Authorization", "Bearer"),
		refused(3, "a scheme and a space", "invalid-credential", "Authorization", "Bearer "),
		refused(3, "two spaces", "invalid-credential", "Authorization", "Bearer  "+servertest.WriterKey),
		refused(3, "a tab", "invalid-credential", "Authorization", "Bearer\t"+servertest.WriterKey),
		ambiguous(4, "two Authorization headers", "Authorization", "Bearer "+servertest.WriterKey, "Authorization", "Bearer "+servertest.WriterKey),
		ambiguous(4, "two X-API-Key headers", "X-API-Key", servertest.WriterKey, "X-API-Key", servertest.WriterKey),
		ambiguous(5, "a key in both headers", "Authorization", "Bearer "+servertest.WriterKey, "X-API-Key", servertest.WriterKey),
		inQuery,
		{number: 7, name: "unknown, wrong, disabled and expired look alike", act: wrongKeysLookAlike},
		large,
		{number: 25, name: "a foreign namespace", act: foreignNamespacesLookAlike},
		{
			number: 27, name: "a reader that starts", status: http.StatusForbidden, code: "operation-forbidden",
			ask: post(servertest.StartBody(""), "Authorization", "Bearer "+servertest.ReaderKey),
		},
		{number: 72, name: "one address that keeps failing", act: failingAddress},
	}
}

const wrongKey = "fg_writer_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

func wrongKeysLookAlike(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	before := len(g.Upstream.AllCalls())
	var first string
	for _, key := range []string{
		wrongKey, "fg_nobody_wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww", servertest.DisabledKey, servertest.ExpiredKey, "fg_writer_", "junk",
	} {
		a := as("X-API-Key", key).Send(t, g)
		require.Equal(t, http.StatusUnauthorized, a.Status)
		requireForm(t, a, "invalid-credential")
		body := strings.Replace(a.Body, a.Field(t, "requestId"), "", 1)
		if first == "" {
			first = body
		}
		require.Equal(t, first, body, key)
	}
	require.Len(t, g.Upstream.AllCalls(), before)
	return "401 invalid-credential, one body for six keys, 0 upstream calls"
}

func foreignNamespacesLookAlike(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	before := len(g.Upstream.AllCalls())
	bodies := map[string]bool{}
	for _, namespace := range []string{"temporal-system", "absent", "defaul", "default2", "DEFAULT"} {
		for _, q := range []servertest.Request{
			get("/v1/namespaces/" + namespace + "/workflows"),
			get("/v1/namespaces/" + namespace + "/workflows/w"),
			{Method: http.MethodPost, Path: "/v1/namespaces/" + namespace + "/workflows", Body: servertest.StartBody("")},
		} {
			a := q.Send(t, g)
			require.Equal(t, http.StatusForbidden, a.Status)
			requireForm(t, a, "namespace-forbidden")
			bodies[strings.NewReplacer(a.Field(t, "requestId"), "", a.Field(t, "instance"), "").Replace(a.Body)] = true
		}
	}
	require.Len(t, bodies, 1, "existing or not, they look alike")
	require.Len(t, g.Upstream.AllCalls(), before)
	return "403 namespace-forbidden, one body for all, 0 upstream calls"
}

func failingAddress(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	statuses := map[int]int{}
	var last servertest.Response
	for range 50 {
		last = as("Authorization", "Bearer "+wrongKey).Send(t, g)
		statuses[last.Status]++
	}
	require.Equal(t, map[int]int{http.StatusUnauthorized: 20, http.StatusTooManyRequests: 30}, statuses)
	requireForm(t, last, "too-many-failures")
	require.Equal(t, "1", last.Header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, as("X-API-Key", servertest.ReaderKey).Send(t, g).Status, "a right key is no failure")
	time.Sleep(time.Second)
	synctest.Wait()
	require.Equal(t, http.StatusUnauthorized, as("Authorization", "Bearer "+wrongKey).Send(t, g).Status, "the budget fills again")
	return "20 times 401, then 30 times 429 too-many-failures; a right key passes"
}
