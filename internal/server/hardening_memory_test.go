package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// withFewBytes sets low limits on the bytes in flight: 8 MB of requests and 32 MB of responses for each caller.
func withFewBytes(cfg *config.Config) {
	cfg.Limits.BytesInFlight = config.BytesInFlight{Requests: 16 << 20, Responses: 64 << 20}
	cfg.Limits.InFlight.CallerShare = 0.5
	cfg.Upstream.MaxResponseBytes = 64 << 20
}

// The tests that measure the heap are not parallel, because other tests would change it.

// heapAfterGC returns the size of the heap in use, in bytes. It calls heap, which collects garbage, twice, because a
// sync.Pool releases its objects only in the second collection.
func heapAfterGC() int {
	heap()
	return int(heap()) //nolint:gosec // fits into an int
}

// The test requests many large lists at once. The limit on bytes permits only one of them.
func TestLargeResponsesAreReservedBeforeTheyAreReceived(t *testing.T) { //nolint:paralleltest // it measures the heap
	for name, path := range map[string]string{"client API": servertest.WorkflowsPath, "Temporal API": temporalWorkflowsPath} { //nolint:paralleltest // it measures the heap
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const requests, size = 12, 20
				g := servertest.Start(t, servertest.Options{Configure: withFewBytes})
				serveLargeList(t, g, size)
				before := heapAfterGC()
				for i := range requests { // all differ, because the gateway remembers the response size of an equal request
					openRequest(t, g, rawGet(servertest.WriterKey, fmt.Sprintf("%s?pageSize=%d", path, i+1)))
				}
				time.Sleep(500 * time.Millisecond)
				synctest.Wait()
				grown, held := (heapAfterGC()-before)>>20, bytesHeld(t, g, "response")>>20
				t.Logf("%d lists of %d MB: the heap grows by %d MB, %d MB are reserved", requests, size, grown, held)
				require.Less(t, grown, 4*size)
				require.GreaterOrEqual(t, held, size)
				_, _ = awaitLogLine(t, g, requests-1)
				require.Equal(t, requests-1, strings.Count(g.Log.String(), `"status":429,"code":"rate-limited"`))
				require.Len(t, g.Upstream.Calls("ListWorkflowExecutions"), requests+1, "only one list is requested again with a higher limit")
			})
		})
	}
}

// A workflow closes with a large failure. Many callers have waited for the outcome and do not read their responses.
func TestWaitsReserveBytesBeforeTheyEncodeTheResult(t *testing.T) { //nolint:paralleltest // it measures the heap
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: withFewBytes})
		c := temporalfake.NewRunChain(g.Upstream)
		const waiters, size = 100, 2 << 20
		for range waiters {
			openRequest(t, g, rawGet(servertest.WriterKey, servertest.WorkflowsPath+"/order/result?wait=50s"))
		}
		time.Sleep(2 * time.Second) // until all requests wait
		synctest.Wait()
		before := heapAfterGC()
		c.Change(func(r *temporalfake.Run) {
			r.Status = enums.WORKFLOW_EXECUTION_STATUS_TERMINATED
			r.AddEvent(enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED).Attributes = &history.HistoryEvent_WorkflowExecutionTerminatedEventAttributes{
				WorkflowExecutionTerminatedEventAttributes: &history.WorkflowExecutionTerminatedEventAttributes{Reason: strings.Repeat("x", size)},
			}
		})
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		grown, held := (heapAfterGC()-before)>>20, bytesHeld(t, g, "response")>>20
		t.Logf("%d results of %d MB: the heap grows by %d MB, %d MB are reserved", waiters, size>>20, grown, held)
		require.Less(t, grown, 64+32)
		require.Greater(t, held, 16)
	})
}

// The upstream does not respond to the queries, so that their bodies stay in memory.
func TestBodiesStayReservedUntilTheirCallEnds(t *testing.T) {
	t.Parallel()
	body := `"` + strings.Repeat("x", 1<<20) + `"`
	many := strings.Repeat(`"x",`, 100_000) + `"x"`
	for name, row := range map[string]struct {
		path, body string
		least      int // minimum number of bytes that are reserved for one request
	}{
		"a large value, client API":       {servertest.WorkflowsPath + "/none/query", `{"query":"q","args":[` + body + `]}`, 2 << 20},
		"a large value, Temporal API":     {temporalWorkflowsPath + "/none/query/q", `{"query":{"queryArgs":[` + body + `]}}`, 2 << 20},
		"many small values, Temporal API": {temporalWorkflowsPath + "/none/query/q", `{"query":{"queryArgs":[` + many + `]}}`, 3_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{Configure: withFewBytes})
				g.Upstream.Handle("QueryWorkflow", upstreamtest.Hang)
				ctx, cancel := context.WithCancel(t.Context())
				var sending sync.WaitGroup
				const requests = 10
				for range requests {
					sending.Go(func() { _, _ = g.Send(ctx, http.MethodPost, row.path, row.body) })
				}
				time.Sleep(2 * time.Second) // until each request is at the upstream, or has been rejected
				synctest.Wait()
				held, calls := bytesHeld(t, g, "request"), len(g.Upstream.Calls("QueryWorkflow"))
				summary := fmt.Sprintf("%d queries of %d bytes: %d bytes are held, %d upstream calls", requests, len(row.body), held, calls)
				t.Log(summary)
				require.LessOrEqual(t, held, 8<<20, summary)
				require.Positive(t, calls, summary)
				require.LessOrEqual(t, calls, 8<<20/row.least, summary)
				require.GreaterOrEqual(t, held, calls*row.least, summary)
				cancel()
				sending.Wait()
				synctest.Wait()
				require.Zero(t, bytesHeld(t, g, "request"))
			})
		})
	}
}

// The test requests small responses on streams whose flow-control window is zero, so that they stay in memory.
func TestSmallResponsesOverHTTP2ReserveBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const streams, size = 20, 30_000
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
				Execution: &common.WorkflowExecution{WorkflowId: "w"}, Type: &common.WorkflowType{Name: strings.Repeat("x", size)},
			},
		}))
		conn, err := g.Listener.Dial(t.Context())
		require.NoError(t, err)
		var text bytes.Buffer
		text.WriteString(http2.ClientPreface)
		framer := http2.NewFramer(&text, nil)
		require.NoError(t, framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}))
		var block bytes.Buffer
		encoder := hpack.NewEncoder(&block)
		for i := range streams {
			block.Reset()
			for _, field := range [][2]string{
				{":method", "GET"},
				{":scheme", "http"},
				{":authority", "gateway"},
				{":path", []string{servertest.WorkflowsPath, temporalWorkflowsPath}[i%2] + "/w"},
				{"authorization", "Bearer " + servertest.WriterKey},
			} {
				require.NoError(t, encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
			}
			require.NoError(t, framer.WriteHeaders(http2.HeadersFrameParam{
				StreamID: uint32(2*i + 1), BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true,
			}))
		}
		_, err = conn.Write(text.Bytes())
		require.NoError(t, err)
		var reading sync.WaitGroup
		reading.Go(func() { _, _ = io.Copy(io.Discard, conn) })
		time.Sleep(time.Second)
		synctest.Wait()
		require.Greater(t, bytesHeld(t, g, "response"), streams*size)
		require.NoError(t, conn.Close())
		reading.Wait()
		synctest.Wait()
		require.Zero(t, bytesHeld(t, g, "response"))
	})
}

// A call whose response exceeds the initial limit is made again with a higher limit. The second call counts neither as
// a failure nor as a retry. A response above the maximum is rejected.
func TestALargeResponseIsRequestedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Upstream.MaxResponseBytes = 8 << 20 }})
		list := "ListWorkflowExecutions"
		for size, calls := range map[int]int{1000: 1, 900 << 10: 1, 2 << 20: 2, 7 << 20: 2} {
			before := len(g.Upstream.Calls(list))
			g.Upstream.Handle(list, respondWithList(size))
			resp := g.Do(t, http.MethodGet, servertest.WorkflowsPath, "")
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			require.Greater(t, len(resp.Body), size)
			require.Len(t, g.Upstream.Calls(list), before+calls)
		}
		g.Upstream.Handle(list, upstreamtest.InTurn(respondWithList(2<<20), respondWithList(4<<20), respondWithList(7<<20)))
		resp := g.Do(t, http.MethodGet, temporalWorkflowsPath, "")
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.Greater(t, len(resp.Body), 7<<20, "the list has grown between the calls")

		text := g.AdminText(t, "/metrics")
		require.NotRegexp(t, `(?m)^flowgate_upstream_retries_total\{.*\} [^0]`, text)
		require.Zero(t, strings.Count(text, `rpc_response_status_code="RESOURCE_EXHAUSTED"`))
		require.NotContains(t, g.Log.String(), `"retries":1`)

		before := len(g.Upstream.Calls(list))
		g.Upstream.Handle(list, respondWithList(9<<20))
		require.Equal(t, http.StatusBadGateway, g.Do(t, http.MethodGet, servertest.WorkflowsPath, "").Status)
		require.Len(t, g.Upstream.Calls(list), before+1)
		synctest.Wait()
		require.Zero(t, bytesHeld(t, g, "response"))
	})
}

// respondWithList returns a handler that responds with a list of the given size in bytes.
func respondWithList(size int) upstreamtest.Handler {
	return upstreamtest.Respond(&workflowservice.ListWorkflowExecutionsResponse{
		Executions: []*workflow.WorkflowExecutionInfo{{Type: &common.WorkflowType{Name: strings.Repeat("x", size)}}},
	})
}
