package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/auth"
)

// Whatever rule the linked API has: who has no grant on the namespace, or a
// lesser one than the RPC takes, is told so, and the upstream never hears of it.
func TestEveryRuleNeedsItsGrant(t *testing.T) {
	t.Parallel()
	inTemporal(t, nil, func(t *testing.T, g *gateway) {
		before := len(g.upstream.AllCalls())
		refused := 0
		for _, b := range linkedBindings(t) {
			access := b.access(t)
			if access.Scope == auth.ScopeOpen {
				continue
			}
			keys := []string{elsewhereKey}
			if access.Role > auth.RoleRead || access.Scope == auth.ScopeCluster {
				keys = append(keys, readerKey)
			}
			if access.Role > auth.RoleWrite || access.Scope == auth.ScopeCluster {
				keys = append(keys, writerKey)
			}
			for _, key := range keys {
				for _, pretty := range []string{"", "?unknown=1&namespace=elsewhere"} { // nor by naming another
					a := g.do(t, b.verb, b.path("default")+pretty, b.message("default"), bearer(key)...)
					requireStatus(t, a, http.StatusForbidden, codes.PermissionDenied)
					refused++
				}
			}
		}
		require.Len(t, g.upstream.AllCalls(), before)
		t.Logf("%d refused", refused)
	})
}

// Who may not call learns nothing from how the rest of the request is judged.
func TestWhoMayNotCallIsToldNothingElse(t *testing.T) {
	t.Parallel()
	inTemporal(t, nil, func(t *testing.T, g *gateway) {
		for _, path := range []string{
			"/namespaces/default/workflows?pageSize=x", "/namespaces/default/workflows?pageSize=1&pageSize=2", "/namespaces/default/workflows?a;b",
			"/namespaces/no-such-namespace/workflows?pageSize=x",
		} {
			a := g.do(t, http.MethodGet, path, "", bearer(elsewhereKey)...)
			requireStatus(t, a, http.StatusForbidden, codes.PermissionDenied)
		}
		a := g.do(t, http.MethodPost, "/namespaces/default/workflows/w", `{"no JSON`, bearer(elsewhereKey)...)
		requireStatus(t, a, http.StatusForbidden, codes.PermissionDenied)
	})
}

func TestEveryRuleNeedsACredential(t *testing.T) {
	t.Parallel()
	inTemporal(t, nil, func(t *testing.T, g *gateway) {
		before := len(g.upstream.AllCalls())
		for _, b := range linkedBindings(t) {
			a := ask{method: b.verb, path: b.path("default"), body: b.message("default"), stranger: true}.send(t, g)
			requireStatus(t, a, http.StatusUnauthorized, codes.Unauthenticated)
			require.NotEmpty(t, a.header.Get("WWW-Authenticate"), b.pattern)
		}
		a := g.do(t, http.MethodGet, "/namespaces/default/workflows", "", "Authorization", "Bearer fg_writer_no")
		requireStatus(t, a, http.StatusUnauthorized, codes.Unauthenticated)
		require.NotEmpty(t, a.header.Get("WWW-Authenticate"))
		require.Len(t, g.upstream.AllCalls(), before)
	})
}

func TestMethodsThatAPathDoesNotHave(t *testing.T) {
	t.Parallel()
	inTemporal(t, nil, func(t *testing.T, g *gateway) {
		verbs := map[string][]string{} // by path
		for _, b := range linkedBindings(t) {
			shape := pathVariable.ReplaceAllString(b.pattern, "id")
			verbs[shape] = append(verbs[shape], b.verb)
		}
		before := len(g.upstream.AllCalls())
		for path, has := range verbs {
			if slices.Contains(has, http.MethodGet) {
				has = append(has, http.MethodHead)
			}
			for _, verb := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "BREW"} {
				if slices.Contains(has, verb) {
					continue
				}
				a := ask{method: verb, path: path, stranger: true}.send(t, g) // the route is nobody's secret
				requireStatus(t, a, http.StatusMethodNotAllowed, codes.Unimplemented)
				allowed := strings.Split(a.header.Get("Allow"), ", ")
				require.ElementsMatch(t, has, allowed, path)
			}
		}
		require.Len(t, g.upstream.AllCalls(), before)
	})
}

func TestPathsThatAreNoRules(t *testing.T) {
	t.Parallel()
	inTemporal(t, nil, func(t *testing.T, g *gateway) {
		before := len(g.upstream.AllCalls())
		for _, path := range []string{
			"/api/v1", "/api/v1/", "/api/v1/x", "/api/v1/namespaces/default/x", "/namespaces", "/namespaces/", "/namespaces/default/workflows/",
			"/namespaces/default/workflows/w/", "/namespaces/default/workflows/w/x/y/z", "/namespaces//workflows", "/namespaces/default/workflows//history",
			"/cluster/", "/cluster/x", "/system-info/", "/api/v1/api/v1/system-info", "/Namespaces/default", "/api/v1/cluster",
		} {
			a := g.do(t, http.MethodGet, path, "")
			if path == "/Namespaces/default" { // it is nobody's
				require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
				continue
			}
			requireStatus(t, a, http.StatusNotFound, codes.NotFound)
		}
		require.Len(t, g.upstream.AllCalls(), before)
	})
}

func TestHeadIsAnsweredAsGet(t *testing.T) {
	t.Parallel()
	inTemporal(t, nil, func(t *testing.T, g *gateway) {
		a := g.do(t, http.MethodHead, "/api/v1/namespaces/default/workflows/w", "")
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, "2", a.header.Get("Content-Length"))
		require.Empty(t, a.body)
		require.Len(t, g.upstream.Calls("DescribeWorkflowExecution"), 1)
	})
}
