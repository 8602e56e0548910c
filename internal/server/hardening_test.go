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
)

const (
	count = workflows + ":count"
)

// hostile is one row of the acceptance table: an input, and what it gets.
type hostile struct {
	// number is the case's in the list of negative cases that the gateway was
	// built to; one case may have several rows.
	number int
	name   string

	// configure sets up the gateway, arrange what its upstream answers. issuer
	// is where the keys of tokens come from, where there are tokens.
	configure func(*config.Config)
	issuer    *issuer
	arrange   func(*gateway)

	ask    ask
	status int
	code   string // of the problem; empty when the answer is none
	calls  int    // that reach the upstream

	// check looks at what else the row promises.
	check func(t *testing.T, g *gateway, a answered)
	// act stands instead of all of the above but configure where one request
	// is not enough. It gives the result in words.
	act func(t *testing.T, g *gateway) string
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

// start runs the row's gateway, which trusts the row's issuer if it has one.
func (row hostile) start(t *testing.T) *gateway {
	t.Helper()
	if row.issuer == nil {
		return start(t, startOptions{configure: row.configure})
	}
	return start(t, startOptions{configure: func(cfg *config.Config) {
		trusting(t, "")(cfg)
		if row.configure != nil {
			row.configure(cfg)
		}
	}, keyTransport: row.issuer})
}

func (row hostile) run(t *testing.T, g *gateway) {
	t.Helper()
	synctest.Wait() // past the health watch's first call
	if row.act != nil {
		t.Logf("case %d, %s: %s", row.number, row.name, row.act(t, g))
		return
	}
	if row.arrange != nil {
		row.arrange(g)
	}
	before := len(g.upstream.AllCalls())
	a := row.ask.send(t, g)
	calls := len(g.upstream.AllCalls()) - before
	require.Equal(t, row.status, a.status, a.body)
	requireForm(t, a, row.code)
	require.Equal(t, row.calls, calls, "upstream calls")
	if row.check != nil {
		row.check(t, g, a)
	}
	t.Logf("case %d, %s: %d %s, %d upstream calls", row.number, row.name, a.status, row.code, calls)
}

// requireForm holds an answer to what all answers promise, and a problem to
// what all problems do.
func requireForm(t *testing.T, a answered, code string) {
	t.Helper()
	require.NotEmpty(t, a.header.Get("X-Request-Id"))
	require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
	require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, "no-referrer", a.header.Get("Referrer-Policy"))
	if code == "" {
		return
	}
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	if a.body == "" {
		return // HEAD
	}
	require.Equal(t, code, a.field(t, "code"), a.body)
	require.Equal(t, "/docs/problems#"+code, a.field(t, "type"))
	require.Equal(t, a.header.Get("X-Request-Id"), a.field(t, "requestId"))
	require.Equal(t, strconv.Itoa(a.status), a.field(t, "status"))
	require.NotEmpty(t, a.field(t, "title"))
	require.NotEmpty(t, a.field(t, "detail"))
}

// get, post and as make the usual requests.
func get(path string, headers ...string) ask { return ask{path: path, headers: headers} }

func post(body string, headers ...string) ask {
	return ask{method: http.MethodPost, path: workflows, body: body, headers: headers}
}

func as(credential ...string) ask {
	return ask{path: "/v1/system-info", headers: credential, stranger: true}
}

// contains checks that the answer's body holds a text, and lacks others.
func contains(text string, not ...string) func(*testing.T, *gateway, answered) {
	return func(t *testing.T, _ *gateway, a answered) {
		t.Helper()
		require.Contains(t, a.body, text)
		for _, text := range not {
			require.NotContains(t, a.body, text)
		}
	}
}

// header checks one header of the answer.
func header(name, value string) func(*testing.T, *gateway, answered) {
	return func(t *testing.T, _ *gateway, a answered) {
		t.Helper()
		require.Equal(t, value, a.header.Get(name))
	}
}
