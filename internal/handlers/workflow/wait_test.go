package workflow_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestAWaitTimesOutAfterTheRequestedTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		temporalfake.NewWorkflow(g.Upstream)
		var resp servertest.Response
		took := servertest.Elapsed(func() { resp = g.Do(t, http.MethodGet, servertest.ResultPath+"?wait=5s", "") })
		require.Equal(t, 5*time.Second, took)
		require.Equal(t, http.StatusAccepted, resp.Status)
		require.Equal(t, "RUNNING", resp.Field(t, "status"))
		require.Equal(t, temporalfake.RunID, resp.Field(t, "runId"))
		require.Equal(t, "1", resp.Header.Get("Retry-After"))
		require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
		require.Equal(t, "/v1/namespaces/default/workflows/order/result?runId="+temporalfake.RunID, resp.Header.Get("Location"))
		require.LessOrEqual(t, len(g.Upstream.Calls("GetWorkflowExecutionHistory")), 2)
	})
}

func TestWithoutWaitTheResponseIsImmediate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		f := temporalfake.NewWorkflow(g.Upstream)
		var resp servertest.Response
		require.Zero(t, servertest.Elapsed(func() { resp = g.Do(t, http.MethodGet, servertest.ResultPath, "") }))
		require.Equal(t, http.StatusAccepted, resp.Status)
		f.Complete()
		require.Zero(t, servertest.Elapsed(func() { resp = g.Do(t, http.MethodGet, servertest.ResultPath, "") }))
		require.Equal(t, http.StatusOK, resp.Status)
		require.Equal(t, "done", resp.Field(t, "result"))
		require.Equal(t, temporalfake.RunID, resp.Field(t, "firstExecutionRunId"))
	})
}

func TestAWaitWithAShortRequestTimeoutMakesNoHotLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		temporalfake.NewWorkflow(g.Upstream)
		took := servertest.Elapsed(func() {
			resp := g.Do(t, http.MethodGet, servertest.ResultPath+"?wait=30s", "", "Request-Timeout", "1s")
			require.Equal(t, http.StatusAccepted, resp.Status)
		})
		require.Equal(t, 30*time.Second, took)
		require.LessOrEqual(t, len(g.Upstream.Calls("GetWorkflowExecutionHistory")), 3)
	})
}

func TestWaitEndsWhenTheWorkflowCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		f := temporalfake.NewWorkflow(g.Upstream)
		time.AfterFunc(27*time.Second, f.Complete)
		var resp servertest.Response
		took := servertest.Elapsed(func() {
			resp = g.Do(t, http.MethodPost, "/v1/namespaces/default/workflows?wait=40s",
				`{"workflowType":"Order","workflowId":"order","taskQueue":"orders"}`)
		})
		require.Equal(t, 27*time.Second, took)
		require.Equal(t, http.StatusOK, resp.Status)
		require.Equal(t, "COMPLETED", resp.Field(t, "status"))
		require.Len(t, g.Upstream.Calls("GetWorkflowExecutionHistory"), 2)
		require.Empty(t, g.Upstream.Calls("DescribeWorkflowExecution"), "the response to the start has the run id")
	})
}

// The response to a start has the same members at each of its statuses, so that generated clients have one type for it.
func TestAStartThatWaitsReportsWhetherItStartedTheWorkflow(t *testing.T) {
	t.Parallel()
	for _, started := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			f := temporalfake.NewWorkflow(g.Upstream)
			g.Upstream.Handle("StartWorkflowExecution", upstreamtest.Respond(&workflowservice.StartWorkflowExecutionResponse{
				RunId: temporalfake.RunID, FirstExecutionRunId: temporalfake.RunID, Started: started,
			}))
			start := func() servertest.Response {
				return g.Do(t, http.MethodPost, servertest.WorkflowsPath+"?wait=10s",
					`{"workflowType":"Order","workflowId":"order","taskQueue":"orders","idConflictPolicy":"USE_EXISTING"}`)
			}
			head := `{"workflowId":"order","runId":"` + temporalfake.RunID + `","firstExecutionRunId":"` + temporalfake.RunID +
				`","started":` + strconv.FormatBool(started)
			pending := start()
			require.Equal(t, http.StatusAccepted, pending.Status)
			require.Equal(t, head+`,"status":"RUNNING"}`, strings.TrimSpace(pending.Body))
			f.Complete()
			outcome := start()
			require.Equal(t, http.StatusOK, outcome.Status)
			require.Equal(t, head+`,"status":"COMPLETED","result":"done"}`, strings.TrimSpace(outcome.Body))
		})
	}
}

func TestAWaitIsLimitedToMaxWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		temporalfake.NewWorkflow(g.Upstream)
		took := servertest.Elapsed(func() {
			require.Equal(t, http.StatusAccepted, g.Do(t, http.MethodGet, servertest.ResultPath, "", "Prefer", "wait=3600").Status)
		})
		require.Equal(t, 55*time.Second, took)
	})
}

// sendManyRaw sends n concurrent requests, each on a connection of its own. Unlike
// Gateway.SendMany it uses no http.Client, so that n can be in the thousands.
func sendManyRaw(t *testing.T, g *servertest.Gateway, n int, path string) []servertest.Response {
	t.Helper()
	conns, responses := make([]net.Conn, n), make([]servertest.Response, n)
	for i := range conns {
		conn, err := g.Listener.Dial(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer %s\r\n\r\n", path, servertest.WriterKey)
		require.NoError(t, err)
		conns[i] = conn
	}
	for i, conn := range conns {
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		responses[i] = servertest.ReadResponse(t, response)
	}
	return responses
}

// Thousands of callers wait until the workflow closes or the wait times out. Both take
// longer than one poll.
func TestEqualWaitsShareOnePoll(t *testing.T) {
	t.Parallel()
	for status, closeAfter := range map[int]time.Duration{http.StatusOK: 45 * time.Second, http.StatusAccepted: time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			const wait = 50 * time.Second
			g := servertest.Start(t, servertest.Options{})
			f := temporalfake.NewWorkflow(g.Upstream)
			time.AfterFunc(closeAfter, f.Complete)
			var responses []servertest.Response
			took := servertest.Elapsed(func() { responses = sendManyRaw(t, g, manyCallers, servertest.ResultPath+"?wait=50s") })
			require.Equal(t, min(closeAfter, wait), took)
			for _, resp := range responses {
				require.Equal(t, status, resp.Status, resp.Body)
				require.Equal(t, temporalfake.RunID, resp.Field(t, "runId"))
			}
			_, most := f.Polls()
			require.Equal(t, 1, most, "never more than one poll at the same time")
			require.Len(t, g.Upstream.Calls("GetWorkflowExecutionHistory"), 3, "each poll lasts 20 s")
			require.Len(t, g.Upstream.Calls("DescribeWorkflowExecution"), 1)
		})
	}
}

func TestWaitsWithDifferentUpstreamCredentialsDoNotShareAPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Upstream.Address = "localhost:7233" }})
		f := temporalfake.NewWorkflow(g.Upstream)
		time.AfterFunc(10*time.Second, f.Complete)
		var wg sync.WaitGroup
		for _, key := range []string{servertest.WriterKey, servertest.OwnCredentialKey, servertest.ReaderKey} {
			wg.Go(func() {
				for _, resp := range g.SendMany(t, 10, servertest.ResultPath+"?wait=30s", "Authorization", "Bearer "+key) {
					require.Equal(t, http.StatusOK, resp.Status, resp.Body)
				}
			})
		}
		wg.Wait()
		calls := g.Upstream.Calls("GetWorkflowExecutionHistory")
		require.Len(t, calls, 2, "the writer and the reader have the same upstream credential")
		seen := map[string]int{}
		for _, call := range calls {
			seen[strings.Join(call.Metadata.Get("authorization"), ",")]++
		}
		require.Equal(t, map[string]int{"": 1, "Bearer other-token": 1}, seen)
	})
}

func TestPollEndsWithItsLastCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		f := temporalfake.NewWorkflow(g.Upstream)
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { _, _ = g.Send(ctx, http.MethodGet, servertest.ResultPath+"?wait=50s", "") })
		}
		lastResponse := make(chan servertest.Response, 1)
		wg.Go(func() {
			resp, _ := g.Send(t.Context(), http.MethodGet, servertest.ResultPath+"?wait=10s", "")
			lastResponse <- resp
		})
		time.Sleep(time.Second)
		synctest.Wait()
		leave()
		time.Sleep(time.Second)
		synctest.Wait()
		now, _ := f.Polls()
		require.Equal(t, 1, now, "one caller still waits")
		require.Equal(t, http.StatusAccepted, (<-lastResponse).Status)
		wg.Wait()
		synctest.Wait()
		now, most := f.Polls()
		require.Zero(t, now, "no caller waits")
		require.Equal(t, 1, most)
	})
}

func TestALaterCallerExtendsTheSharedPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		f := temporalfake.NewWorkflow(g.Upstream)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = g.Send(t.Context(), http.MethodGet, servertest.ResultPath+"?wait=3s", "") })
		time.Sleep(time.Second)
		time.AfterFunc(15*time.Second, f.Complete)
		resp := g.Do(t, http.MethodGet, servertest.ResultPath+"?wait=30s", "")
		wg.Wait()
		require.Equal(t, http.StatusOK, resp.Status)
		_, most := f.Polls()
		require.Equal(t, 1, most)
	})
}
