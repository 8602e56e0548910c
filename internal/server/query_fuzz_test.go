package server_test

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/server/servertest"
)

// FuzzQuery sends query strings to the operation that lists workflows. A query string is accepted if and only if a
// strict parser finds only known names, each once, with values within their limits. The upstream then receives exactly
// these values. Of filter parameters it requires only that they never cause another response than 200 and 400.
func FuzzQuery(f *testing.F) {
	g := startFuzz(f, map[string]proto.Message{
		"ListWorkflowExecutions": &workflowservice.ListWorkflowExecutionsResponse{NextPageToken: []byte("next")},
		"ListSearchAttributes": &operatorservice.ListSearchAttributesResponse{CustomAttributes: map[string]enums.IndexedValueType{
			"K": enums.INDEXED_VALUE_TYPE_KEYWORD, "I": enums.INDEXED_VALUE_TYPE_INT, "D": enums.INDEXED_VALUE_TYPE_DOUBLE,
			"B": enums.INDEXED_VALUE_TYPE_BOOL, "T": enums.INDEXED_VALUE_TYPE_DATETIME,
		}},
	})
	// A fuzz test has no T before Fuzz runs. If this request fails, the checks of the page below fail.
	first, _ := g.request(&testing.T{}, http.MethodGet, servertest.RawRequest(http.MethodGet, servertest.WorkflowsPath, servertest.WriterKey, nil))
	var page struct{ NextPageToken string }
	require.NoError(f, json.Unmarshal([]byte(first.Body), &page, json.MatchCaseInsensitiveNames(true)))
	require.NotEmpty(f, page.NextPageToken)

	for _, raw := range []string{
		"", "pageSize=-1", "pageSize=0", "pageSize=1", "pageSize=1000", "pageSize=1001", "pageSize=1e9", "pageSize=1000000000", "pageSize=abc",
		"pageSize=", "pageSize", "pageSize=+5", "pageSize=%2B5", "pageSize=%205", "pageSize=05", "pageSize=0x10", "pageSize=1_0", "pageSize=4294967297",
		"pageSize=18446744073709551617", "pageSize=5&pageSize=6", "pageSize=5&page%53ize=6", "PageSize=5", "pageSize[]=5", "pagesize=5", "limit=0", "limit=1",
		"limit=-1", "limit=9223372036854775807", "limit=9223372036854775808", "limit=5&pageSize=3", "query=a;b", "query=a%3Bb", "query=a;pageSize=5",
		"query=%zz", "query=%", "query=%00", "query=%ff", "query=+a+", "query=a&query=b", "x=1", "=1", "=", "&", "&&query=a&", "query", "query==", "query=a%26limit=1",
		"api_key=k", "pageToken=", "pageToken=x", "pageToken=AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "pageToken=" + page.NextPageToken,
		"pageToken=" + page.NextPageToken + "=", "pageToken=" + page.NextPageToken + "&query=a", "pageToken=" + strings.ToLower(page.NextPageToken), "#", "?", "query=a?b",
		"query=a,b", "pageSize=5,6", "workflowType=a", "workflowType=%ff", "workflowType=%27", "status=RUNNING&status=FAILED", "status=1", "startedAfter=2026-11-01T00:00:00Z",
		"startedBefore=x", "searchAttribute.K=a&searchAttribute.I=1&searchAttribute.D=1.5&searchAttribute.B=true&searchAttribute.T=2026-11-01T00:00:00Z",
		"searchAttribute.=1", "searchAttribute=1", "searchAttribute.K=1&searchAttribute.K=1", "searchAttribute.%00=1", "query=(a&status=FAILED", "query=%27%5C%27)&status=FAILED",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		target := servertest.WorkflowsPath + "?" + raw
		if strings.ContainsAny(raw, " \r\n") || len(raw) > 8<<10 {
			return // would change the request line: FuzzHTTP tests such input
		}
		resp, calls := g.request(t, http.MethodGet, servertest.RawRequest(http.MethodGet, target, servertest.WriterKey, nil))
		if hasFilter(raw) {
			require.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, resp.Status, "%q: %s", raw, resp.Body)
			return
		}
		want, ok := parseListQuery(raw, page.NextPageToken)
		if _, err := url.ParseRequestURI(target); err != nil {
			ok = false // net/http itself rejects the request
		}
		if !ok {
			require.Equal(t, http.StatusBadRequest, resp.Status, "%q: %s", raw, resp.Body)
			require.Empty(t, calls, "%q", raw)
			return
		}
		require.Equal(t, http.StatusOK, resp.Status, "%q: %s", raw, resp.Body)
		require.Len(t, calls, 1)
		got := &workflowservice.ListWorkflowExecutionsRequest{}
		require.NoError(t, proto.Unmarshal(calls[0].Request, got))
		require.True(t, proto.Equal(want, got), "%q: %v", raw, got)
	})
}

// hasFilter reports whether a query string has a filter parameter.
func hasFilter(raw string) bool {
	values, _ := url.ParseQuery(raw)
	for name := range values {
		name, _, _ = strings.Cut(name, ".")
		if slices.Contains([]string{"workflowType", "status", "startedAfter", "startedBefore", "searchAttribute"}, name) {
			return true
		}
	}
	return false
}

// parseListQuery parses a query string by RFC 3986 and the WHATWG's form encoding, and returns the request that the
// upstream must receive. token is the only valid page token. ok is false for everything that another parser could
// interpret differently.
func parseListQuery(raw, token string) (want *workflowservice.ListWorkflowExecutionsRequest, ok bool) {
	want = &workflowservice.ListWorkflowExecutionsRequest{Namespace: "default", PageSize: 100}
	names := map[string]bool{}
	limit := int64(math.MaxInt64)
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil || strings.Contains(pair, ";") || names[name] {
			return nil, false
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, false
		}
		names[name] = true
		switch name {
		case "query":
			if want.Query = value; !utf8.ValidString(value) {
				return nil, false
			}
		case "pageSize":
			size, err := strconv.ParseInt(value, 10, 32)
			if err != nil || size < 1 || size > 1000 {
				return nil, false
			}
			want.PageSize = int32(size)
		case "limit":
			if limit, err = strconv.ParseInt(value, 10, 64); err != nil || limit < 1 {
				return nil, false
			}
		case "pageToken":
			if value != "" && value != token {
				return nil, false
			}
			if value != "" {
				want.NextPageToken = []byte("next")
			}
		default:
			return nil, false
		}
	}
	want.PageSize = int32(min(int64(want.GetPageSize()), limit)) //nolint:gosec // at most 1000
	// A page token is valid only with the query of its list, and this token is that of a list without a query.
	return want, len(want.GetNextPageToken()) == 0 || want.GetQuery() == ""
}
