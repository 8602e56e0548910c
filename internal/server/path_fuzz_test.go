package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// FuzzPath sends a namespace and a workflow id in the path. The upstream receives both decoded exactly once, so that
// different ids stay different. A request with an invalid namespace or id makes no upstream call.
func FuzzPath(f *testing.F) {
	for _, id := range []string{
		"order-1", "a%2Fb", "a%252Fb", "a%20b%2Fc", "a+b", "a%2fb", "%61", "a,b", "a;b", "a=b&c", "a:b", "a#b", "a%3Fb", "-", ":count",
		"%00", "%ff", "%c3%28", "a%0Ab", "%7f", "%c2%85", "%e2%80%a8", ".", "..", "%2e", "%2E%2e", "%2e%2e%2fdefault", "...", "a..",
		"", "%", "%2", "%zz", "w/result", "w//", "a/../b", "w/cancel", "\u00e9", "%C3%A9", `a"b`, "{id}", "a\\b", "\xff", strings.Repeat("a", 1001),
	} {
		f.Add("default", id)
		f.Add(id, "order-1")
	}
	f.Add("default%2Fworkflows", "..%2F..%2Fother")
	f.Add("default", "a%2F..%2Fb")
	f.Add("default", "a%2F..%2Fb{") // the unescaped "{" makes url.EscapedPath ignore the escapes of the caller
	g := startFuzz(f, map[string]proto.Message{"DescribeWorkflowExecution": &workflowservice.DescribeWorkflowExecutionResponse{}})
	f.Fuzz(func(t *testing.T, namespace, id string) {
		target := "/v1/namespaces/" + namespace + "/workflows/" + id
		if strings.ContainsAny(target, " \r\n?") || len(target) > 8<<10 {
			return // would change the request line, which is for FuzzHTTP
		}
		for _, key := range []string{wideKey, servertest.WriterKey} {
			resp, calls := g.request(t, http.MethodGet, servertest.RawRequest(http.MethodGet, target, key, nil))
			checkPath(t, resp, calls, pathCase{namespace: namespace, id: id, target: target, restricted: key == servertest.WriterKey})
		}
	})
}

// pathCase is a request to describe a workflow.
type pathCase struct {
	namespace, id, target string
	restricted            bool // the caller has a grant on the namespace "default" only
}

func checkPath(t *testing.T, resp servertest.Response, calls []upstreamtest.Call, c pathCase) {
	t.Helper()
	namespace, id, ok := c.decodedSegments(t)
	for _, call := range calls {
		require.True(t, ok)
		require.Equal(t, namespace, servertest.NamespaceOf(t, call), "%q", c.target)
		require.Equal(t, []string{namespace}, call.Metadata["temporal-namespace"], "%q", c.target)
		require.True(t, !c.restricted || namespace == "default", "%q", c.target)
	}
	switch {
	case !ok:
		require.Equal(t, http.StatusBadRequest, resp.Status, "%q", c.target)
		if _, err := url.ParseRequestURI(c.target); err == nil { // otherwise net/http has responded
			require.Equal(t, "invalid-path", resp.Field(t, "code"), "%q", c.target)
		}
	case strings.Contains(c.namespace+c.id, "/"): // another route
	case namespace == "" || id == "" || id == "-" || len(id) > 1000: // "-" needs a parameter
		require.GreaterOrEqual(t, resp.Status, http.StatusBadRequest, "%q", c.target)
		require.Empty(t, calls, "%q", c.target)
	case c.restricted && namespace != "default":
		require.Equal(t, http.StatusForbidden, resp.Status, "%q", c.target)
		require.Equal(t, "namespace-forbidden", resp.Field(t, "code"), "%q", c.target)
	case len(namespace) > 1000, // longer than the server accepts
		strings.ContainsFunc(namespace, func(r rune) bool { return r > unicode.MaxASCII }): // not valid as gRPC metadata
		require.Equal(t, http.StatusNotFound, resp.Status, "%q", c.target)
		require.Equal(t, "namespace-not-found", resp.Field(t, "code"), "%q", c.target)
		require.Empty(t, calls, "%q", c.target)
	default:
		require.Equal(t, http.StatusOK, resp.Status, "%q: %s", c.target, resp.Body)
		require.Len(t, calls, 1, "%q", c.target)
		require.Equal(t, "DescribeWorkflowExecution", calls[0].Method, "%q", c.target)
		request := &workflowservice.DescribeWorkflowExecutionRequest{}
		require.NoError(t, proto.Unmarshal(calls[0].Request, request))
		require.Equal(t, id, request.GetExecution().GetWorkflowId(), "%q", c.target)
	}
}

// decodedSegments returns the decoded namespace and id. ok is false if the gateway must reject the path.
func (c pathCase) decodedSegments(t *testing.T) (namespace, id string, ok bool) {
	t.Helper()
	if _, err := url.ParseRequestURI(c.target); err != nil {
		return "", "", false
	}
	segments := strings.Split(c.target, "/")
	for i, segment := range segments {
		decoded, err := url.PathUnescape(segment)
		require.NoError(t, err)
		if decoded == "." || decoded == ".." || !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, unicode.IsControl) {
			return "", "", false
		}
		segments[i] = decoded
	}
	return segments[3], segments[5], true
}
