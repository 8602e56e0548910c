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

// hostileCredentials returns the cases about missing, wrong and insufficient credentials.
func hostileCredentials() []hostile {
	rejected := func(number int, name, code string, credential ...string) hostile {
		return hostile{number: number, name: name, request: withCredential(credential...), status: http.StatusUnauthorized, code: code}
	}
	ambiguous := func(number int, name string, credential ...string) hostile {
		return hostile{number: number, name: name, request: withCredential(credential...), status: http.StatusBadRequest, code: "ambiguous-credentials"}
	}
	none := rejected(1, "no credential", "unauthenticated")
	none.check = header("WWW-Authenticate", `Bearer realm="flowgate"`)
	inQuery := rejected(6, "a key in the query", "unauthenticated")
	inQuery.request.Path += "?api_key=" + servertest.WriterKey
	inQuery.check = func(t *testing.T, g *servertest.Gateway, resp servertest.Response) {
		t.Helper()
		require.NotContains(t, g.Log.String()+resp.Body, servertest.WriterKey)
	}
	large := rejected(8, "a token of 9 KiB", "invalid-credential", "Authorization", "Bearer "+strings.Repeat("a", 9<<10))
	large.check = header("WWW-Authenticate", `Bearer realm="flowgate", error="invalid_token"`)
	return []hostile{
		none,
		rejected(2, "another scheme", "unauthenticated", "Authorization", "Basic eDp5"),
		rejected(3, "a scheme alone", "invalid-credential", "Authorization", "Bearer"),
		rejected(3, "a scheme and a space", "invalid-credential", "Authorization", "Bearer "),
		rejected(3, "two spaces", "invalid-credential", "Authorization", "Bearer  "+servertest.WriterKey),
		rejected(3, "a tab", "invalid-credential", "Authorization", "Bearer\t"+servertest.WriterKey),
		ambiguous(4, "two Authorization headers", "Authorization", "Bearer "+servertest.WriterKey, "Authorization", "Bearer "+servertest.WriterKey),
		ambiguous(4, "two X-API-Key headers", "X-API-Key", servertest.WriterKey, "X-API-Key", servertest.WriterKey),
		ambiguous(5, "a key in both headers", "Authorization", "Bearer "+servertest.WriterKey, "X-API-Key", servertest.WriterKey),
		inQuery,
		{number: 7, name: "unknown, wrong, disabled and expired keys", act: wrongKeysAreIndistinguishable},
		large,
		{number: 25, name: "a foreign namespace", act: foreignNamespacesAreIndistinguishable},
		{
			number: 27, name: "a start by a reader", status: http.StatusForbidden, code: "operation-forbidden",
			request: post(servertest.StartBody(""), "Authorization", "Bearer "+servertest.ReaderKey),
		},
		{number: 72, name: "one address that keeps failing", act: failingAddress},
	}
}

// wrongKey has the id of WriterKey and another secret.
const wrongKey = "fg_writer_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

func wrongKeysAreIndistinguishable(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	before := len(g.Upstream.AllCalls())
	var want string // the body without the request id
	for _, key := range []string{
		wrongKey, "fg_nobody_wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww", servertest.DisabledKey, servertest.ExpiredKey, "fg_writer_", "junk",
	} {
		resp := withCredential("X-API-Key", key).Send(t, g)
		require.Equal(t, http.StatusUnauthorized, resp.Status)
		requireWellFormed(t, resp, "invalid-credential")
		body := strings.Replace(resp.Body, resp.Field(t, "requestId"), "", 1)
		if want == "" {
			want = body
		}
		require.Equal(t, want, body, key)
	}
	require.Len(t, g.Upstream.AllCalls(), before)
	return "401 invalid-credential, one body for six keys, 0 upstream calls"
}

func foreignNamespacesAreIndistinguishable(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	before := len(g.Upstream.AllCalls())
	bodies := map[string]bool{}
	for _, namespace := range []string{"temporal-system", "absent", "defaul", "default2", "DEFAULT"} {
		for _, q := range []servertest.Request{
			get("/v1/namespaces/" + namespace + "/workflows"),
			get("/v1/namespaces/" + namespace + "/workflows/w"),
			{Method: http.MethodPost, Path: "/v1/namespaces/" + namespace + "/workflows", Body: servertest.StartBody("")},
		} {
			resp := q.Send(t, g)
			require.Equal(t, http.StatusForbidden, resp.Status)
			requireWellFormed(t, resp, "namespace-forbidden")
			bodies[strings.NewReplacer(resp.Field(t, "requestId"), "", resp.Field(t, "instance"), "").Replace(resp.Body)] = true
		}
	}
	require.Len(t, bodies, 1, "the response does not disclose whether the namespace exists")
	require.Len(t, g.Upstream.AllCalls(), before)
	return "403 namespace-forbidden, one body for all, 0 upstream calls"
}

func failingAddress(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	statuses := map[int]int{}
	var last servertest.Response
	for range 50 {
		last = withCredential("Authorization", "Bearer "+wrongKey).Send(t, g)
		statuses[last.Status]++
	}
	require.Equal(t, map[int]int{http.StatusUnauthorized: 20, http.StatusTooManyRequests: 30}, statuses, "20 failures per address are permitted by default")
	requireWellFormed(t, last, "too-many-failures")
	require.Equal(t, "1", last.Header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, withCredential("X-API-Key", servertest.ReaderKey).Send(t, g).Status, "a valid key is accepted")
	time.Sleep(time.Second)
	synctest.Wait()
	require.Equal(t, http.StatusUnauthorized, withCredential("Authorization", "Bearer "+wrongKey).Send(t, g).Status, "another failure is permitted a second later")
	return "20 times 401, then 30 times 429 too-many-failures; a valid key is accepted"
}
