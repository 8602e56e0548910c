package temporalhttp_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// A caller without a grant on the namespace, or with a lower role than the RPC
// requires, receives PERMISSION_DENIED for every HTTP rule (google.api.http), and
// no RPC is called.
func TestEveryHTTPRuleRequiresAGrant(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		before := len(g.Upstream.AllCalls())
		denied := 0
		for _, b := range servertest.Bindings(t) {
			access := b.Access(t)
			if access.Scope == auth.ScopeNone {
				continue
			}
			keys := []string{servertest.OtherNamespacesKey}
			if access.Role > auth.RoleRead || access.Scope == auth.ScopeCluster {
				keys = append(keys, servertest.ReaderKey)
			}
			if access.Role > auth.RoleWrite || access.Scope == auth.ScopeCluster {
				keys = append(keys, servertest.WriterKey)
			}
			for _, key := range keys {
				for _, query := range []string{"", "?unknown=1&namespace=elsewhere"} { // a namespace in the query makes no difference
					resp := g.Do(t, b.HTTPMethod, b.Path("default")+query, b.Body("default"), servertest.Bearer(key)...)
					servertest.RequireRPCError(t, resp, http.StatusForbidden, codes.PermissionDenied)
					denied++
				}
			}
		}
		require.Len(t, g.Upstream.AllCalls(), before)
		t.Logf("%d requests denied", denied)
	})
}

// Validation errors must not disclose anything to a forbidden caller.
func TestAuthorisationComesBeforeValidation(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		for _, path := range []string{
			"/namespaces/default/workflows?pageSize=x", "/namespaces/default/workflows?pageSize=1&pageSize=2", "/namespaces/default/workflows?a;b",
			"/namespaces/no-such-namespace/workflows?pageSize=x",
		} {
			resp := g.Do(t, http.MethodGet, path, "", servertest.Bearer(servertest.OtherNamespacesKey)...)
			servertest.RequireRPCError(t, resp, http.StatusForbidden, codes.PermissionDenied)
		}
		resp := g.Do(t, http.MethodPost, "/namespaces/default/workflows/w", `{"no JSON`, servertest.Bearer(servertest.OtherNamespacesKey)...)
		servertest.RequireRPCError(t, resp, http.StatusForbidden, codes.PermissionDenied)
	})
}

func TestEveryHTTPRuleRequiresACredential(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		before := len(g.Upstream.AllCalls())
		for _, b := range servertest.Bindings(t) {
			resp := servertest.Request{Method: b.HTTPMethod, Path: b.Path("default"), Body: b.Body("default"), Anonymous: true}.Send(t, g)
			servertest.RequireRPCError(t, resp, http.StatusUnauthorized, codes.Unauthenticated)
			require.NotEmpty(t, resp.Header.Get("WWW-Authenticate"), b.Pattern)
		}
		resp := g.Do(t, http.MethodGet, "/namespaces/default/workflows", "", "Authorization", "Bearer fg_writer_no")
		servertest.RequireRPCError(t, resp, http.StatusUnauthorized, codes.Unauthenticated)
		require.NotEmpty(t, resp.Header.Get("WWW-Authenticate"))
		require.Len(t, g.Upstream.AllCalls(), before)
	})
}

func TestUnsupportedMethodsReturn405(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		verbs := map[string][]string{} // by path
		for _, b := range servertest.Bindings(t) {
			path := servertest.PathVariable.ReplaceAllString(b.Pattern, "id")
			verbs[path] = append(verbs[path], b.HTTPMethod)
		}
		before := len(g.Upstream.AllCalls())
		for path, supported := range verbs {
			if slices.Contains(supported, http.MethodGet) {
				supported = append(supported, http.MethodHead)
			}
			for _, verb := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "BREW"} {
				if slices.Contains(supported, verb) {
					continue
				}
				resp := servertest.Request{Method: verb, Path: path, Anonymous: true}.Send(t, g) // 405 needs no credential
				servertest.RequireRPCError(t, resp, http.StatusMethodNotAllowed, codes.Unimplemented)
				allowed := strings.Split(resp.Header.Get("Allow"), ", ")
				require.ElementsMatch(t, supported, allowed, path)
			}
		}
		require.Len(t, g.Upstream.AllCalls(), before)
	})
}

func TestPathsWithoutAnHTTPRuleReturn404(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		before := len(g.Upstream.AllCalls())
		for _, path := range []string{
			"/api/v1", "/api/v1/", "/api/v1/x", "/api/v1/namespaces/default/x", "/namespaces", "/namespaces/", "/namespaces/default/workflows/",
			"/namespaces/default/workflows/w/", "/namespaces/default/workflows/w/x/y/z", "/namespaces//workflows", "/namespaces/default/workflows//history",
			"/cluster/", "/cluster/x", "/system-info/", "/api/v1/api/v1/system-info", "/Namespaces/default", "/api/v1/cluster",
		} {
			resp := g.Do(t, http.MethodGet, path, "")
			if path == "/Namespaces/default" { // paths are case-sensitive, so this path does not belong to the Temporal HTTP API
				require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
				continue
			}
			servertest.RequireRPCError(t, resp, http.StatusNotFound, codes.NotFound)
		}
		require.Len(t, g.Upstream.AllCalls(), before)
	})
}

func TestHeadIsServedAsGet(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		resp := g.Do(t, http.MethodHead, "/api/v1/namespaces/default/workflows/w", "")
		require.Equal(t, http.StatusOK, resp.Status)
		require.Equal(t, "2", resp.Header.Get("Content-Length"))
		require.Empty(t, resp.Body)
		require.Len(t, g.Upstream.Calls("DescribeWorkflowExecution"), 1)
	})
}
