package server_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// A read uses more slots if the response is large. The test sends eight large reads of one caller at the same time,
// after the gateway has learned the size of the response. The gateway calls the upstream for one read after the other,
// and another caller does not wait.
func TestALargeReadUsesSeveralSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const readers, size, duration = 8, 9 << 20, 100 * time.Millisecond // size is in bytes, for which a read uses three of the caller's four slots
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			cfg.Limits.InFlight = config.InFlight{Reads: 8, Writes: 1, Waits: 1, CallerShare: 0.5, Queue: readers, QueueTime: time.Minute}
		}})
		respond := upstreamtest.Respond(&workflowservice.ListWorkflowExecutionsResponse{NextPageToken: []byte(strings.Repeat("x", size))})
		var mu sync.Mutex
		concurrent, mostConcurrent := 0, 0
		add := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			concurrent += n
			mostConcurrent = max(mostConcurrent, concurrent)
		}
		g.Upstream.Handle("ListWorkflowExecutions", func(ctx context.Context, request []byte) ([]byte, error) {
			add(1)
			defer add(-1)
			time.Sleep(duration)
			return respond(ctx, request)
		})
		g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{}))
		read := func() { require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.WorkflowsPath, "").Status) }
		read()
		require.Len(t, g.Upstream.Calls("ListWorkflowExecutions"), 2, "the size was unknown")
		mostConcurrent = 0
		begin := time.Now()
		var reading sync.WaitGroup
		for range readers {
			reading.Go(read)
		}
		time.Sleep(duration / 2)
		small := g.Do(t, http.MethodGet, countPath, "", "Authorization", "Bearer "+servertest.ReaderKey)
		require.Equal(t, http.StatusOK, small.Status, small.Body)
		require.Equal(t, duration/2, time.Since(begin))
		reading.Wait()
		require.Equal(t, 1, mostConcurrent)
		require.Len(t, g.Upstream.Calls("ListWorkflowExecutions"), 2+readers)
		require.Contains(t, g.AdminText(t, "/metrics"), `flowgate_in_flight{kind="read"} 0`)
	})
}

// A read whose response would use more slots than the caller may have uses all of them.
func TestALargeReadIsServedWithASingleSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			cfg.Limits.InFlight = config.InFlight{Reads: 1, Writes: 1, Waits: 1, CallerShare: 0.5, Queue: 1, QueueTime: time.Minute}
		}})
		g.Upstream.Handle("ListWorkflowExecutions", upstreamtest.Respond(
			&workflowservice.ListWorkflowExecutionsResponse{NextPageToken: []byte(strings.Repeat("x", 9<<20))}))
		for range 2 {
			require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.WorkflowsPath, "").Status)
		}
	})
}
