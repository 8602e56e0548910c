package temporal_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
)

// rules returns the HTTP rules of the linked API: the RPC of each method and
// path. The parameters in the paths have no names.
func rules(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for method := range auth.Methods() {
		rule, ok := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
		if !ok || rule == nil {
			continue
		}
		for _, binding := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
			route := routeOf(t, binding)
			require.Empty(t, found[route], route)
			found[route] = string(method.Name())
		}
	}
	require.NotEmpty(t, found)
	return found
}

func routeOf(t *testing.T, rule *annotations.HttpRule) string {
	t.Helper()
	method, path := "", ""
	switch pattern := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		method, path = http.MethodGet, pattern.Get
	case *annotations.HttpRule_Put:
		method, path = http.MethodPut, pattern.Put
	case *annotations.HttpRule_Post:
		method, path = http.MethodPost, pattern.Post
	case *annotations.HttpRule_Delete:
		method, path = http.MethodDelete, pattern.Delete
	case *annotations.HttpRule_Patch:
		method, path = http.MethodPatch, pattern.Patch
	default:
		require.Failf(t, "a rule with an unknown pattern", "%v", rule)
	}
	return method + " " + placeholder.ReplaceAllString(path, "{}")
}
