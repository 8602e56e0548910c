package server_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/server/servertest"
)

// A 404 names the route of the operation, if another door or a path in a namespace has it.
func TestAnUnknownRouteNamesTheSimilarRoute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		for _, test := range []struct{ method, path, route string }{
			{http.MethodGet, "/v1/namespaces/default/nexus-operations", "GET /api/v1/namespaces/{namespace}/nexus-operations"},
			{http.MethodHead, "/v1/namespaces/default/nexus-operations", ""}, // the response has no body
			{http.MethodGet, "/api/v1/namespaces/default/workflows:count", "GET /v1/namespaces/{namespace}/workflows:count"},
			{http.MethodPost, "/api/v1/namespaces/default/batches", "POST /v1/namespaces/{namespace}/batches"},
			{http.MethodPost, "/workflows", "POST /v1/namespaces/{namespace}/workflows"},
			{http.MethodGet, "/workflows/%3Cscript%3E/result", "GET /v1/namespaces/{namespace}/workflows/{workflowId}/result"},
			{http.MethodPost, "/v1/workflows/a%2Fb/signal", "POST /v1/namespaces/{namespace}/workflows/{workflowId}/signal"},
			{http.MethodGet, "/api/workflows", "GET /v1/namespaces/{namespace}/workflows"},
			{http.MethodGet, "/v1/namespaces/default/workflows/", "GET /v1/namespaces/{namespace}/workflows"},
			{http.MethodGet, "/v1/namespaces/default/nothing", ""},
			{http.MethodGet, "/v1/nothing/a%2Fb", ""},
			{http.MethodDelete, "/v1/workflows", ""}, // no door has this method
		} {
			want := "There is no such route."
			if test.route != "" {
				want += " The gateway has " + test.route + "."
			}
			resp := servertest.Request{Method: test.method, Path: test.path, Anonymous: true}.Send(t, g)
			require.Equal(t, http.StatusNotFound, resp.Status, "%s: %s", test.path, resp.Body)
			if test.method == http.MethodHead {
				continue
			}
			member := "detail"
			if strings.HasPrefix(test.path, "/api/v1/") {
				member = "message" // the errors of the Temporal HTTP API
			}
			require.Equal(t, want, resp.Field(t, member), test.path)
			require.NotContains(t, resp.Body, "script")
		}
	})
}
