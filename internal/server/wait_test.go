package server_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

func TestWaitEndsOnTimeWithAtMostTwoPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		newFakeWorkflow(g.upstream)
		var a answered
		took := elapsed(func() { a = g.do(t, http.MethodGet, resultPath+"?wait=5s", "") })
		require.Equal(t, 5*time.Second, took)
		require.Equal(t, http.StatusAccepted, a.status)
		require.Equal(t, "RUNNING", a.field(t, "status"))
		require.Equal(t, runID, a.field(t, "runId"))
		require.Equal(t, "1", a.header.Get("Retry-After"))
		require.Equal(t, "no-store", a.header.Get("Cache-Control"))
		require.Equal(t, "/v1/namespaces/default/workflows/order/result?runId="+runID, a.header.Get("Location"))
		require.LessOrEqual(t, len(g.upstream.Calls("GetWorkflowExecutionHistory")), 2)
	})
}

func TestWithoutWaitTheAnswerComesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		f := newFakeWorkflow(g.upstream)
		var a answered
		require.Zero(t, elapsed(func() { a = g.do(t, http.MethodGet, resultPath, "") }))
		require.Equal(t, http.StatusAccepted, a.status)
		f.close()
		require.Zero(t, elapsed(func() { a = g.do(t, http.MethodGet, resultPath, "") }))
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, "done", a.field(t, "result"))
		require.Equal(t, runID, a.field(t, "firstExecutionRunId"))
	})
}

func TestShortRequestTimeoutMakesNoHotLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		newFakeWorkflow(g.upstream)
		took := elapsed(func() {
			a := g.do(t, http.MethodGet, resultPath+"?wait=30s", "", "Request-Timeout", "1s")
			require.Equal(t, http.StatusAccepted, a.status)
		})
		require.Equal(t, 30*time.Second, took)
		require.LessOrEqual(t, len(g.upstream.Calls("GetWorkflowExecutionHistory")), 3)
	})
}

func TestWaitIsAnsweredWhenTheWorkflowEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		f := newFakeWorkflow(g.upstream)
		time.AfterFunc(27*time.Second, f.close)
		var a answered
		took := elapsed(func() {
			a = g.do(t, http.MethodPost, "/v1/namespaces/default/workflows?wait=40s",
				`{"workflowType":"Order","workflowId":"order","taskQueue":"orders"}`)
		})
		require.Equal(t, 27*time.Second, took)
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, "COMPLETED", a.field(t, "status"))
		require.Len(t, g.upstream.Calls("GetWorkflowExecutionHistory"), 2)
		require.Empty(t, g.upstream.Calls("DescribeWorkflowExecution"), "the start told the run")
	})
}

func TestWaitIsClampedToTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		newFakeWorkflow(g.upstream)
		took := elapsed(func() {
			require.Equal(t, http.StatusAccepted, g.do(t, http.MethodGet, resultPath, "", "Prefer", "wait=3600").status)
		})
		require.Equal(t, 55*time.Second, took)
	})
}

// thousands is many for more callers than there can be clients of net/http: each
// is a connection and nothing else.
func thousands(t *testing.T, g *gateway, n int, path string) []answered {
	t.Helper()
	callers, answers := make([]net.Conn, n), make([]answered, n)
	for i := range callers {
		conn, err := g.listener.dial(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer %s\r\n\r\n", path, writerKey)
		require.NoError(t, err)
		callers[i] = conn
	}
	for i, conn := range callers {
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		answers[i] = read(t, response)
	}
	return answers
}

// TestEqualWaitsShareOnePoll has thousands of callers wait longer than one poll
// lasts: until the workflow ends, and until the wait does.
func TestEqualWaitsShareOnePoll(t *testing.T) {
	t.Parallel()
	for status, ends := range map[int]time.Duration{http.StatusOK: 45 * time.Second, http.StatusAccepted: time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			const wait = 50 * time.Second
			g := start(t, startOptions{})
			f := newFakeWorkflow(g.upstream)
			time.AfterFunc(ends, f.close)
			var answers []answered
			took := elapsed(func() { answers = thousands(t, g, manyCallers, resultPath+"?wait=50s") })
			require.Equal(t, min(ends, wait), took)
			for _, a := range answers {
				require.Equal(t, status, a.status, a.body)
				require.Equal(t, runID, a.field(t, "runId"))
			}
			_, most := f.polls()
			require.Equal(t, 1, most, "at a time")
			require.Len(t, g.upstream.Calls("GetWorkflowExecutionHistory"), 3, "slices of 20 s")
			require.Len(t, g.upstream.Calls("DescribeWorkflowExecution"), 1)
		})
	}
}

func TestWaitsWithDifferentUpstreamCredentialsDoNotShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{configure: func(cfg *config.Config) { cfg.Upstream.Address = "localhost:7233" }})
		f := newFakeWorkflow(g.upstream)
		time.AfterFunc(10*time.Second, f.close)
		var wg sync.WaitGroup
		for _, key := range []string{writerKey, otherKey, readerKey} {
			wg.Go(func() {
				for _, a := range g.many(t, 10, resultPath+"?wait=30s", "Authorization", "Bearer "+key) {
					require.Equal(t, http.StatusOK, a.status, a.body)
				}
			})
		}
		wg.Wait()
		calls := g.upstream.Calls("GetWorkflowExecutionHistory")
		require.Len(t, calls, 2, "the writer and the reader go out with the same credential")
		seen := map[string]int{}
		for _, call := range calls {
			seen[first(call.Metadata.Get("authorization"))]++
		}
		require.Equal(t, map[string]int{"": 1, "Bearer other-token": 1}, seen)
	})
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func TestPollEndsWithItsLastCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		f := newFakeWorkflow(g.upstream)
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { _, _ = g.send(ctx, http.MethodGet, resultPath+"?wait=50s", "") })
		}
		stays := make(chan answered, 1)
		wg.Go(func() {
			a, _ := g.send(t.Context(), http.MethodGet, resultPath+"?wait=10s", "")
			stays <- a
		})
		time.Sleep(time.Second)
		synctest.Wait()
		leave()
		time.Sleep(time.Second)
		synctest.Wait()
		now, _ := f.polls()
		require.Equal(t, 1, now, "one caller is still there")
		require.Equal(t, http.StatusAccepted, (<-stays).status)
		wg.Wait()
		synctest.Wait()
		now, most := f.polls()
		require.Zero(t, now, "nobody waits any more")
		require.Equal(t, 1, most)
	})
}

func TestLaterCallerProlongsThePoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		f := newFakeWorkflow(g.upstream)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = g.send(t.Context(), http.MethodGet, resultPath+"?wait=3s", "") })
		time.Sleep(time.Second)
		time.AfterFunc(15*time.Second, f.close)
		a := g.do(t, http.MethodGet, resultPath+"?wait=30s", "")
		wg.Wait()
		require.Equal(t, http.StatusOK, a.status)
		_, most := f.polls()
		require.Equal(t, 1, most)
	})
}
