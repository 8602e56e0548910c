package temporalhttp_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/temporalhttp"
)

// The middleware already rejects requests without a principal, but the door must not
// depend on it. A principal without grants is forbidden.
func TestEveryBindingRequiresAPrincipal(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.current = &fakeUpstream{}
	for _, r := range rules() {
		access, _ := auth.AccessOf(r.fullMethod())
		c := &oracleCase{rule: r, verb: r.verb, target: pathVariable.ReplaceAllString(r.pattern, "a"), header: http.Header{}, body: "{"}
		require.Equal(t, http.StatusUnauthorized, c.send(t.Context(), s.door).status, "%s", r)
		if access.Scope == auth.ScopeNone {
			continue
		}
		forbidden := c.send(auth.WithPrincipal(t.Context(), &auth.Principal{Name: "nobody"}), s.door)
		require.Equal(t, http.StatusForbidden, forbidden.status, "%s: %s", r, forbidden.body)
	}
	require.Zero(t, s.current.calls)
}

func TestDelegatedTokensAreForbidden(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.current = &fakeUpstream{}
	delegated := administrator()
	delegated.Capability = &auth.Capability{}
	got := (&oracleCase{verb: http.MethodGet, target: historyPath, header: http.Header{}}).send(auth.WithPrincipal(t.Context(), delegated), s.door)
	require.Equal(t, http.StatusForbidden, got.status)
	require.Zero(t, s.current.calls)
}

func TestOwnsMatchesThePathsOfAllBindings(t *testing.T) {
	t.Parallel()
	for _, r := range rules() {
		require.True(t, temporalhttp.Owns(r.pattern), "%s", r)
	}
	for _, path := range []string{"/", "/v1/namespaces", "/api/v10", "/namespacesx", "/docs", "/api"} {
		require.False(t, temporalhttp.Owns(path), path)
	}
}

func TestEncodedBodyReturns415AndLargeBodyReturns413(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.current = &fakeUpstream{}
	ctx := auth.WithPrincipal(t.Context(), administrator())
	newStart := func() *oracleCase {
		return &oracleCase{verb: http.MethodPost, target: "/api/v1/namespaces/orders/workflows/order-1", header: http.Header{}, body: "{}"}
	}
	compressed := newStart()
	compressed.header.Set("Content-Encoding", "gzip")
	require.Equal(t, http.StatusUnsupportedMediaType, compressed.send(ctx, s.door).status)

	large := newStart()
	large.body = string(make([]byte, maxBodyBytes+1))
	require.Equal(t, http.StatusRequestEntityTooLarge, large.send(ctx, s.door).status)
	require.Zero(t, s.current.calls)
}

// ruleOf returns the first binding of the method with the given name.
func ruleOf(method protoreflect.Name) *rule {
	for _, r := range rules() {
		if r.method.Name() == method {
			return r
		}
	}
	return nil
}
