package server_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// The test reads many NDJSON streams of large pages slowly, and the limit on bytes in flight permits only a few pages.
// All streams complete within the limit, and a stream that waits for bytes holds no slot.
func TestStreamsWaitForTheBytesOfTheirPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const streams, pages, total = 12, 4, 3 << 20
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			cfg.Limits.BytesInFlight.Responses = total
			cfg.Limits.InFlight = config.InFlight{Reads: 2 * streams, Writes: 1, Waits: 1, CallerShare: 0.75, Queue: streams, QueueTime: time.Minute}
		}})
		page := func(next string, size int) upstreamtest.Handler {
			return upstreamtest.Respond(&workflowservice.ListWorkflowExecutionsResponse{
				NextPageToken: []byte(next), Executions: []*workflow.WorkflowExecutionInfo{{Type: &common.WorkflowType{Name: strings.Repeat("x", size)}}},
			})
		}
		responses := map[string]upstreamtest.Handler{"": page("1", 1000), "1": page("2", 1<<20), "2": page("3", 100_000), "3": page("", 2<<20)}
		g.Upstream.Handle("ListWorkflowExecutions", func(ctx context.Context, request []byte) ([]byte, error) {
			time.Sleep(10 * time.Millisecond)
			var list workflowservice.ListWorkflowExecutionsRequest
			if err := proto.Unmarshal(request, &list); err != nil {
				return nil, err
			}
			return responses[string(list.GetNextPageToken())](ctx, request)
		})
		g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{}))
		var reading sync.WaitGroup
		var mu sync.Mutex
		lines := 0
		for i := range streams {
			reading.Go(func() {
				key := []string{servertest.WriterKey, servertest.OwnCredentialKey}[i%2]
				request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://gateway"+servertest.WorkflowsPath, nil)
				request.Header.Set("Authorization", "Bearer "+key)
				request.Header.Set("Accept", "application/x-ndjson")
				response, err := g.Client.Do(request)
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = response.Body.Close() }()
				n, buffer := 0, make([]byte, 512<<10)
				for {
					read, err := io.ReadFull(response.Body, buffer)
					n += strings.Count(string(buffer[:read]), "\n")
					if err != nil {
						break
					}
					time.Sleep(200 * time.Millisecond)
				}
				mu.Lock()
				defer mu.Unlock()
				lines += n
			})
		}
		mostHeld := 0
		for range 40 {
			time.Sleep(100 * time.Millisecond)
			mostHeld = max(mostHeld, bytesHeld(t, g, "response"))
		}
		small := g.Do(t, http.MethodGet, countPath, "", "Authorization", "Bearer "+servertest.ReaderKey)
		require.Equal(t, http.StatusOK, small.Status, small.Body)
		reading.Wait()
		synctest.Wait()
		require.Equal(t, streams*pages, lines, "all streams are complete")
		require.Greater(t, mostHeld, 1<<20)
		require.LessOrEqual(t, mostHeld, total)
		t.Logf("%d streams held at most %d bytes and made %d calls", streams, mostHeld, len(g.Upstream.Calls("ListWorkflowExecutions")))
		require.Zero(t, bytesHeld(t, g, "response"))
		require.Contains(t, g.AdminText(t, "/metrics"), `flowgate_in_flight{kind="read"} 0`)
	})
}

// The limit on response bytes is exhausted when the upstream responds to a write. The error must report that the call
// was made.
func TestTheErrorOfAWriteReportsThatTheCallWasMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Limits.BytesInFlight.Responses = 1 << 20 }})
		serveLargeList(t, g, 1)
		conn := openRequest(t, g, rawGet(servertest.WriterKey, servertest.WorkflowsPath))
		synctest.Wait()
		require.Equal(t, 1<<20, bytesHeld(t, g, "response"), "the list, which the client does not read, exhausts the limit")
		runID := strings.Repeat("r", 100_000)
		g.Upstream.Handle("StartWorkflowExecution", upstreamtest.Respond(&workflowservice.StartWorkflowExecutionResponse{RunId: runID}))
		resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath, `{"workflowType":"W","workflowId":"w","taskQueue":"q"}`)
		require.Equal(t, http.StatusGatewayTimeout, resp.Status, resp.Body)
		require.Equal(t, "overloaded", resp.Field(t, "code"))
		require.Contains(t, resp.Field(t, "detail"), "The call was made")
		resp = g.Do(t, http.MethodPost, temporalWorkflowsPath+"/w", `{"workflowType":{"name":"W"},"taskQueue":{"name":"q"}}`)
		servertest.RequireRPCError(t, resp, http.StatusGatewayTimeout, codes.Unavailable)
		require.Contains(t, resp.Body, "The call was made")
		require.Len(t, g.Upstream.Calls("StartWorkflowExecution"), 2)
		require.Equal(t, http.StatusServiceUnavailable, g.Do(t, http.MethodGet, servertest.WorkflowsPath, "").Status)
		require.NoError(t, conn.Close())
		synctest.Wait()
		require.Zero(t, bytesHeld(t, g, "response"))
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodPost, servertest.WorkflowsPath, `{"workflowType":"W","workflowId":"w","taskQueue":"q"}`).Status)
	})
}
