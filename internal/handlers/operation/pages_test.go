package operation_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const ndjson = "application/x-ndjson"

// serveList makes the upstream list n workflows, in pages of the requested size. A memo of memoBytes makes each of them
// large. The page that begins at failAt fails.
func serveList(g *servertest.Gateway, n, memoBytes, failAt int) {
	memo := &common.Memo{Fields: map[string]*common.Payload{"m": {
		Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"` + strings.Repeat("x", memoBytes) + `"`),
	}}}
	g.Upstream.Handle("ListWorkflowExecutions", upstreamtest.Typed(func(
		_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest,
	) (*workflowservice.ListWorkflowExecutionsResponse, error) {
		first, page := 0, &workflowservice.ListWorkflowExecutionsResponse{}
		_, _ = fmt.Sscan(string(r.GetNextPageToken()), &first)
		if first == failAt {
			return nil, status.Error(codes.InvalidArgument, "no more")
		}
		last := min(first+int(r.GetPageSize()), n)
		for i := first; i < last; i++ {
			page.Executions = append(page.Executions, &workflow.WorkflowExecutionInfo{
				Execution: &common.WorkflowExecution{WorkflowId: fmt.Sprintf("w-%d", i), RunId: temporalfake.RunID},
				Type:      &common.WorkflowType{Name: "T"}, Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING, Memo: memo,
			})
		}
		if last < n {
			page.NextPageToken = fmt.Append(nil, last)
		}
		return page, nil
	}))
}

const noFailure = -1

func TestPagesContinueWithTheToken(t *testing.T) {
	t.Parallel()
	for name, memoBytes := range map[string]int{"rendered before it is written": 0, "written while it is rendered": 300 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{})
				serveList(g, 5, memoBytes, noFailure)
				var sizes []int
				for token := ""; ; {
					resp := g.Do(t, http.MethodGet, servertest.WorkflowsPath+"?pageSize=2&pageToken="+token, "")
					require.Equal(t, []any{http.StatusOK, "application/json"}, []any{resp.Status, resp.Header.Get("Content-Type")})
					require.True(t, strings.HasSuffix(resp.Body, "}\n"))
					sizes = append(sizes, strings.Count(resp.Body, `"workflowId":"w-`))
					if token = resp.Field(t, "nextPageToken"); token == "" {
						break
					}
				}
				require.Equal(t, []int{2, 2, 1}, sizes)
			})
		})
	}
}

func TestLinesAreFetchedPageByPageUpToTheLimit(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]struct{ lines, calls int }{
		"": {5, 1}, "?pageSize=2": {5, 3}, "?pageSize=2&limit=3": {3, 2}, "?limit=4": {4, 1}, "?pageSize=2&limit=2": {2, 1}, "?limit=9": {5, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			serveList(g, 5, 0, noFailure)
			resp := g.Do(t, http.MethodGet, servertest.WorkflowsPath+query, "", "Accept", ndjson)
			require.Equal(t, []any{http.StatusOK, ndjson}, []any{resp.Status, resp.Header.Get("Content-Type")})
			require.Equal(t, want.lines, strings.Count(resp.Body, "\n"), query)
			require.Len(t, g.Upstream.Calls("ListWorkflowExecutions"), want.calls, query)
		})
	}
}

// A failure in the middle of a stream aborts the connection, so that the stream does not look complete.
func TestAStreamThatFailsIsAborted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		serveList(g, 5, 0, 2)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://gateway"+servertest.WorkflowsPath+"?pageSize=2", nil)
		require.NoError(t, err)
		request.Header = http.Header{"Accept": {ndjson}, "X-Api-Key": {servertest.WriterKey}}
		response, err := g.Client.Do(request)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		lines, err := io.ReadAll(response.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, 2, strings.Count(string(lines), "\n"))
		synctest.Wait()
		require.Contains(t, g.Log.String(), `"status":200,"code":"invalid-request"`)
	})
}

// A page that cannot be rendered is an error, and aborts the connection if part of it was written.
func TestAPageThatCannotBeRenderedIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("ListWorkflowExecutions", func(context.Context, []byte) ([]byte, error) {
			return []byte{1<<3 | 2, 2, 1<<3 | 2, 5}, nil // the first workflow ends within a field
		})
		resp := g.Do(t, http.MethodGet, servertest.WorkflowsPath, "")
		require.Equal(t, []any{http.StatusBadGateway, "upstream-error"}, []any{resp.Status, resp.Field(t, "code")})
		_, err := g.Send(t.Context(), http.MethodGet, servertest.WorkflowsPath, "", "Accept", ndjson)
		require.Error(t, err)
	})
}

func TestPagingParametersAreValidatedTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		serveList(g, 1, 0, noFailure)
		for query, pointers := range map[string][]string{
			"?pageSize=0&limit=0": {"?pageSize", "?limit"}, "?pageSize=1001": {"?pageSize"}, "?limit=-1": {"?limit"}, "?pageToken=AAAA": nil,
		} {
			resp := g.Do(t, http.MethodGet, servertest.WorkflowsPath+query, "")
			require.Equal(t, http.StatusBadRequest, resp.Status, query)
			require.Equal(t, pointers, handlerstest.Pointers(t, resp), query)
		}
		require.Empty(t, g.Upstream.Calls("ListWorkflowExecutions"))
	})
}
