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

const countPath = servertest.WorkflowsPath + ":count"

// hostile is a row of the hardening table: a hostile request and the expected response.
type hostile struct {
	// number identifies a case, which may have several rows. TestHardening requires a row for every case.
	number int
	name   string

	// configure changes the configuration of the gateway, and arrange sets the
	// responses of the upstream. The gateway trusts issuer unless it is nil.
	configure func(*config.Config)
	issuer    *servertest.Issuer
	arrange   func(*servertest.Gateway)

	request servertest.Request
	status  int
	code    string // of the problem; empty if the response is not one
	calls   int    // number of upstream calls

	// check makes further checks, unless it is nil.
	check func(t *testing.T, g *servertest.Gateway, resp servertest.Response)
	// act replaces arrange, request and all checks in rows that need more than one
	// request. It returns a description of what happened, for the log.
	act func(t *testing.T, g *servertest.Gateway) string
}

// TestHardening runs all rows, and checks that every case has one.
func TestHardening(t *testing.T) {
	t.Parallel()
	rows := slices.Concat(hostileCredentials(), hostileTokens(), failingIssuers(), hostilePaths(), hostileBodies(), hostileHeaders(),
		failingUpstreams(), overload(), operating(), rates(), hostileValues(), hostileErrors(), slowReaders(), slowBodies(),
		keyLimits(), sharedPolls(), hostileAudit(), hostileIdempotencyKeys(), hostileListeners(), resourceCases(), hostileSchedules())
	covered := map[int]bool{}
	for _, row := range rows {
		covered[row.number] = true
		t.Run(fmt.Sprintf("%d %s", row.number, row.name), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { row.run(t, row.start(t)) })
		})
	}
	for _, row := range hostileBytes() {
		covered[row.number] = true
		t.Run(fmt.Sprintf("%d %s", row.number, row.name), func(t *testing.T) {
			t.Parallel()
			row.run(t)
		})
	}
	const cases = 105
	for number := 1; number <= cases; number++ {
		require.True(t, covered[number], "case %d has no row; there are %v", number, slices.Sorted(maps.Keys(covered)))
	}
}

// start runs the gateway of the row.
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
	synctest.Wait() // until the first health check has completed
	if row.act != nil {
		t.Logf("case %d, %s: %s", row.number, row.name, row.act(t, g))
		return
	}
	if row.arrange != nil {
		row.arrange(g)
	}
	before := len(g.Upstream.AllCalls())
	resp := row.request.Send(t, g)
	calls := len(g.Upstream.AllCalls()) - before
	require.Equal(t, row.status, resp.Status, resp.Body)
	requireWellFormed(t, resp, row.code)
	require.Equal(t, row.calls, calls, "upstream calls")
	if row.check != nil {
		row.check(t, g, resp)
	}
	t.Logf("case %d, %s: %d %s, %d upstream calls", row.number, row.name, resp.Status, row.code, calls)
}

// requireWellFormed checks the headers that all responses have. If code is not empty, it also requires a complete
// problem with that code.
func requireWellFormed(t *testing.T, resp servertest.Response, code string) {
	t.Helper()
	require.NotEmpty(t, resp.Header.Get("X-Request-Id"))
	require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
	require.Contains(t, resp.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, "no-referrer", resp.Header.Get("Referrer-Policy"))
	if code == "" {
		return
	}
	require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	if resp.Body == "" {
		return // HEAD
	}
	require.Equal(t, code, resp.Field(t, "code"), resp.Body)
	require.Equal(t, "/docs/problems#"+code, resp.Field(t, "type"))
	require.Equal(t, resp.Header.Get("X-Request-Id"), resp.Field(t, "requestId"))
	require.Equal(t, strconv.Itoa(resp.Status), resp.Field(t, "status"))
	require.NotEmpty(t, resp.Field(t, "title"))
	require.NotEmpty(t, resp.Field(t, "detail"))
}

func get(path string, headers ...string) servertest.Request {
	return servertest.Request{Path: path, Headers: headers}
}

// post returns a request to start a workflow.
func post(body string, headers ...string) servertest.Request {
	return servertest.Request{Method: http.MethodPost, Path: servertest.WorkflowsPath, Body: body, Headers: headers}
}

// withCredential returns a request whose only credential is in the given pairs of header name and value.
func withCredential(credential ...string) servertest.Request {
	return servertest.Request{Path: "/v1/system-info", Headers: credential, Anonymous: true}
}

// contains returns a check that the body contains a text, and none of the texts in absent.
func contains(text string, absent ...string) func(*testing.T, *servertest.Gateway, servertest.Response) {
	return func(t *testing.T, _ *servertest.Gateway, resp servertest.Response) {
		t.Helper()
		require.Contains(t, resp.Body, text)
		for _, text := range absent {
			require.NotContains(t, resp.Body, text)
		}
	}
}

// header returns a check of one header.
func header(name, value string) func(*testing.T, *servertest.Gateway, servertest.Response) {
	return func(t *testing.T, _ *servertest.Gateway, resp servertest.Response) {
		t.Helper()
		require.Equal(t, value, resp.Header.Get(name))
	}
}
