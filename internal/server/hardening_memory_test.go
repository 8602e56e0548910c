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
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// A caller of these tests may hold 8 MB of responses and of requests.
func fewBytes(cfg *config.Config) {
	cfg.Limits.BytesInFlight = config.BytesInFlight{Requests: 16 << 20, Responses: 64 << 20}
	cfg.Limits.InFlight.CallerShare = 0.5
	cfg.Upstream.MaxResponseBytes = 64 << 20
}

// The tests that measure the heap are not parallel: nothing else runs beside them.

// settledHeap is the memory in use, in bytes, without what pools keep for a while.
func settledHeap() int {
	_ = heap()
	return int(heap()) //nolint:gosec // far below
}

// TestLargeResponsesAreReservedBeforeTheyAreReceived asks for many large lists at
// once, with room for one of them.
func TestLargeResponsesAreReservedBeforeTheyAreReceived(t *testing.T) { //nolint:paralleltest // it measures the heap
	for name, path := range map[string]string{"client API": workflows, "Temporal API": temporalList} { //nolint:paralleltest // as above
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const requests, size = 12, 20
				g := start(t, fewBytes)
				g.listOf(t, size)
				before := settledHeap()
				for range requests {
					g.open(t, head(writerKey, path))
				}
				time.Sleep(500 * time.Millisecond)
				synctest.Wait()
				grown, held := (settledHeap()-before)>>20, g.bytesHeld(t, "response")>>20
				t.Logf("%d lists of %d MB: the heap grows by %d MB, %d MB are reserved", requests, size, grown, held)
				require.Less(t, grown, 4*size)
				require.GreaterOrEqual(t, held, size)
				_, _ = g.logged(t, requests-1)
				require.Equal(t, requests-1, strings.Count(g.log.String(), `"status":429,"code":"rate-limited"`))
				require.Len(t, g.upstream.Calls("ListWorkflowExecutions"), requests+1, "one has room, and is asked for again")
			})
		})
	}
}

// TestWaitersReserveBeforeTheyEncode ends one workflow that many wait for, who do
// not read its large result.
func TestWaitersReserveBeforeTheyEncode(t *testing.T) { //nolint:paralleltest // it measures the heap
	chained(t, fewBytes, func(t *testing.T, g *gateway, c *fakeChain) {
		const waiters, size = 100, 2 << 20
		for range waiters {
			g.open(t, head(writerKey, workflows+"/order/result?wait=50s"))
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		before := settledHeap()
		c.change(func(r *fakeRun) {
			r.status = enums.WORKFLOW_EXECUTION_STATUS_TERMINATED
			r.add(enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED).Attributes = &history.HistoryEvent_WorkflowExecutionTerminatedEventAttributes{
				WorkflowExecutionTerminatedEventAttributes: &history.WorkflowExecutionTerminatedEventAttributes{Reason: strings.Repeat("x", size)},
			}
		})
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		grown, held := (settledHeap()-before)>>20, g.bytesHeld(t, "response")>>20
		t.Logf("%d results of %d MB: the heap grows by %d MB, %d MB are reserved", waiters, size>>20, grown, held)
		require.Less(t, grown, 64+32)
		require.Greater(t, held, 16)
	})
}

// TestBodiesCountUntilTheirCallIsOver holds queries that no worker answers.
func TestBodiesCountUntilTheirCallIsOver(t *testing.T) {
	t.Parallel()
	body := `"` + strings.Repeat("x", 1<<20) + `"`
	many := strings.Repeat(`"x",`, 100_000) + `"x"`
	for name, row := range map[string]struct {
		path, body string
		least      int // bytes that one of them counts
	}{
		"a large value, client API":     {workflows + "/none/query", `{"query":"q","args":[` + body + `]}`, 2 << 20},
		"a large value, Temporal API":   {temporalList + "/none/query/q", `{"query":{"queryArgs":[` + body + `]}}`, 2 << 20},
		"many small ones, Temporal API": {temporalList + "/none/query/q", `{"query":{"queryArgs":[` + many + `]}}`, 3_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := start(t, fewBytes)
				g.upstream.Handle("QueryWorkflow", upstreamtest.Hang)
				ctx, leave := context.WithCancel(t.Context())
				var asking sync.WaitGroup
				const requests = 10
				for range requests {
					asking.Go(func() { _, _ = g.send(ctx, http.MethodPost, row.path, row.body) })
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				held, calls := g.bytesHeld(t, "request"), len(g.upstream.Calls("QueryWorkflow"))
				said := fmt.Sprintf("%d queries of %d bytes: %d are held, %d calls are made", requests, len(row.body), held, calls)
				t.Log(said)
				require.LessOrEqual(t, held, 8<<20, said)
				require.Positive(t, calls, said)
				require.LessOrEqual(t, calls, 8<<20/row.least, said)
				require.GreaterOrEqual(t, held, calls*row.least, said)
				leave()
				asking.Wait()
				synctest.Wait()
				require.Zero(t, g.bytesHeld(t, "request"))
			})
		})
	}
}

// TestEveryResponseByHTTP2Counts asks for small descriptions on streams whose
// window is closed.
func TestEveryResponseByHTTP2Counts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const streams, size = 20, 30_000
		g := start(t, nil)
		g.upstream.Handle("DescribeWorkflowExecution", upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
				Execution: &common.WorkflowExecution{WorkflowId: "w"}, Type: &common.WorkflowType{Name: strings.Repeat("x", size)},
			},
		}))
		conn, err := g.listener.dial(t.Context())
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
				{":path", []string{workflows, temporalList}[i%2] + "/w"},
				{"authorization", "Bearer " + writerKey},
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
		require.Greater(t, g.bytesHeld(t, "response"), streams*size)
		require.NoError(t, conn.Close())
		reading.Wait()
		synctest.Wait()
		require.Zero(t, g.bytesHeld(t, "response"))
	})
}

// TestALargeResponseIsAskedForAgain reads pages of all sizes: none counts as a
// failure or as a retry, and one that is larger than all is rejected.
func TestALargeResponseIsAskedForAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, func(cfg *config.Config) { cfg.Upstream.MaxResponseBytes = 8 << 20 })
		list := "ListWorkflowExecutions"
		for size, calls := range map[int]int{1000: 1, 900 << 10: 1, 2 << 20: 2, 7 << 20: 2} {
			before := len(g.upstream.Calls(list))
			g.upstream.Handle(list, listed(size))
			a := g.do(t, http.MethodGet, workflows, "")
			require.Equal(t, http.StatusOK, a.status, a.body)
			require.Greater(t, len(a.body), size)
			require.Len(t, g.upstream.Calls(list), before+calls)
		}
		g.upstream.Handle(list, upstreamtest.InTurn(listed(2<<20), listed(4<<20), listed(7<<20)))
		a := g.do(t, http.MethodGet, temporalList, "")
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Greater(t, len(a.body), 7<<20, "it has grown meanwhile")

		text := g.adminText(t, "/metrics")
		require.Zero(t, strings.Count(text, "flowgate_upstream_retries_total{"))
		require.Zero(t, strings.Count(text, `rpc_response_status_code="RESOURCE_EXHAUSTED"`))
		require.NotContains(t, g.log.String(), `"retries":1`)

		before := len(g.upstream.Calls(list))
		g.upstream.Handle(list, listed(9<<20))
		require.Equal(t, http.StatusBadGateway, g.do(t, http.MethodGet, workflows, "").status)
		require.Len(t, g.upstream.Calls(list), before+1)
		synctest.Wait()
		require.Zero(t, g.bytesHeld(t, "response"))
	})
}

// listed responds with a list of a size in bytes.
func listed(size int) upstreamtest.Handler {
	return upstreamtest.Respond(&workflowservice.ListWorkflowExecutionsResponse{
		Executions: []*workflow.WorkflowExecutionInfo{{Type: &common.WorkflowType{Name: strings.Repeat("x", size)}}},
	})
}
