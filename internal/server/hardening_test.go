package server_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

const (
	count = servertest.WorkflowsPath + ":count"
)

// hostile is one row of the acceptance table: an input, and what it gets.
type hostile struct {
	// number is the case's in the list of negative cases that the gateway was
	// built to; one case may have several rows.
	number int
	name   string

	// Configure sets up the gateway, arrange what its upstream answers. issuer
	// is where the keys of tokens come from, where there are tokens.
	configure func(*config.Config)
	issuer    *servertest.Issuer
	arrange   func(*servertest.Gateway)

	ask    servertest.Request
	status int
	code   string // of the problem; empty when the answer is none
	calls  int    // that reach the upstream

	// check looks at what else the row promises.
	check func(t *testing.T, g *servertest.Gateway, a servertest.Response)
	// act stands instead of all of the above but configure where one request
	// is not enough. It gives the result in words.
	act func(t *testing.T, g *servertest.Gateway) string
}

// TestHardening holds the gateway to the whole list: every row has the answer
// that the list wants, and exactly the upstream calls.
func TestHardening(t *testing.T) {
	t.Parallel()
	rows := slices.Concat(hostileCredentials(), hostileTokens(), failingIssuers(), hostilePaths(), hostileBodies(), hostileHeaders(),
		failingUpstreams(), overload(), operations(), rates(), hostileValues(), hostileErrors(), slowReaders(), slowBodies(t),
		limits(), sharedPolls(), hostileAudit(), hostileRepeats(), hostileListeners())
	seen := map[int]bool{}
	for _, row := range rows {
		seen[row.number] = true
		t.Run(fmt.Sprintf("%d %s", row.number, row.name), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { row.run(t, row.start(t)) })
		})
	}
	for _, row := range hostileBytes() {
		seen[row.number] = true
		t.Run(fmt.Sprintf("%d %s", row.number, row.name), func(t *testing.T) {
			t.Parallel()
			row.run(t)
		})
	}
	const cases = 96
	for number := 1; number <= cases; number++ {
		require.True(t, seen[number], "case %d has no row; there are %v", number, slices.Sorted(maps.Keys(seen)))
	}
}

// Start runs the row's gateway, which trusts the row's issuer if it has one.
func (row hostile) start(t *testing.T) *servertest.Gateway {
	t.Helper()
	if row.issuer == nil {
		return servertest.Start(t, servertest.Options{Configure: row.configure})
	}
	return servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
		servertest.TrustIssuer(t, "")(cfg)
		if row.configure != nil {
			row.configure(cfg)
		}
	}, KeyTransport: row.issuer})
}

func (row hostile) run(t *testing.T, g *servertest.Gateway) {
	t.Helper()
	synctest.Wait() // past the health watch's first call
	if row.act != nil {
		t.Logf("case %d, %s: %s", row.number, row.name, row.act(t, g))
		return
	}
	if row.arrange != nil {
		row.arrange(g)
	}
	before := len(g.Upstream.AllCalls())
	a := row.ask.Send(t, g)
	calls := len(g.Upstream.AllCalls()) - before
	require.Equal(t, row.status, a.Status, a.Body)
	requireForm(t, a, row.code)
	require.Equal(t, row.calls, calls, "upstream calls")
	if row.check != nil {
		row.check(t, g, a)
	}
	t.Logf("case %d, %s: %d %s, %d upstream calls", row.number, row.name, a.Status, row.code, calls)
}

// requireForm holds an answer to what all answers promise, and a problem to
// what all problems do.
func requireForm(t *testing.T, a servertest.Response, code string) {
	t.Helper()
	require.NotEmpty(t, a.Header.Get("X-Request-Id"))
	require.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"))
	require.Contains(t, a.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, "no-referrer", a.Header.Get("Referrer-Policy"))
	if code == "" {
		return
	}
	require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
	require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
	if a.Body == "" {
		return // HEAD
	}
	require.Equal(t, code, a.Field(t, "code"), a.Body)
	require.Equal(t, "/docs/problems#"+code, a.Field(t, "type"))
	require.Equal(t, a.Header.Get("X-Request-Id"), a.Field(t, "requestId"))
	require.Equal(t, strconv.Itoa(a.Status), a.Field(t, "status"))
	require.NotEmpty(t, a.Field(t, "title"))
	require.NotEmpty(t, a.Field(t, "detail"))
}

// get, post and as make the usual requests.
func get(path string, headers ...string) servertest.Request {
	return servertest.Request{Path: path, Headers: headers}
}

func post(body string, headers ...string) servertest.Request {
	return servertest.Request{Method: http.MethodPost, Path: servertest.WorkflowsPath, Body: body, Headers: headers}
}

func as(credential ...string) servertest.Request {
	return servertest.Request{Path: "/v1/system-info", Headers: credential, Anonymous: true}
}

// contains checks that the answer's body holds a text, and lacks others.
func contains(text string, not ...string) func(*testing.T, *servertest.Gateway, servertest.Response) {
	return func(t *testing.T, _ *servertest.Gateway, a servertest.Response) {
		t.Helper()
		require.Contains(t, a.Body, text)
		for _, text := range not {
			require.NotContains(t, a.Body, text)
		}
	}
}

// Header checks one header of the answer.
func header(name, value string) func(*testing.T, *servertest.Gateway, servertest.Response) {
	return func(t *testing.T, _ *servertest.Gateway, a servertest.Response) {
		t.Helper()
		require.Equal(t, value, a.Header.Get(name))
	}
}
