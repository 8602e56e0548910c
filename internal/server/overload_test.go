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
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// busyServer returns the handler of an upstream with a limited number of worker goroutines. Calls beyond that number
// wait in a queue. A call that is cancelled in the queue uses no worker. A call that has begun uses a worker for the
// duration work, even if it is cancelled.
func busyServer(workers int, work time.Duration) upstreamtest.Handler {
	busy := make(chan struct{}, workers)
	respond := upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{Count: 1})
	return func(ctx context.Context, request []byte) ([]byte, error) {
		select {
		case busy <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		defer func() { <-busy }()
		time.Sleep(work)
		return respond(ctx, request)
	}
}

// sendAtRate sends requests at a fixed rate for the duration length, without waiting for the responses.
// goodput is the number of successful responses per second, and slowest is the time of the slowest one.
func sendAtRate(t *testing.T, g *servertest.Gateway, perSecond int, length time.Duration) (goodput float64, slowest time.Duration, statuses map[int]int) {
	t.Helper()
	var mu sync.Mutex
	var callers sync.WaitGroup
	statuses = map[int]int{}
	begin := time.Now()
	for time.Since(begin) < length {
		callers.Go(func() {
			var resp servertest.Response
			took := servertest.Elapsed(func() { resp, _ = g.Send(t.Context(), http.MethodGet, countPath, "") })
			mu.Lock()
			defer mu.Unlock()
			statuses[resp.Status]++
			if resp.Status == http.StatusOK {
				slowest = max(slowest, took)
			}
		})
		time.Sleep(time.Second / time.Duration(perSecond))
	}
	callers.Wait()
	return float64(statuses[http.StatusOK]) / time.Since(begin).Seconds(), slowest, statuses
}

func TestGoodputAtThreeTimesTheCapacity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const workers, work = 5, 10 * time.Millisecond
		const capacity = 500 // workers / work, in requests per second
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			cfg.Limits.InFlight = config.InFlight{Reads: 4 * workers, Writes: 1, Waits: 1, CallerShare: 1, QueueTime: time.Second}
		}})
		g.Upstream.Handle("CountWorkflowExecutions", busyServer(workers, work))
		peak, _, _ := sendAtRate(t, g, capacity, 4*time.Second)
		require.InDelta(t, capacity, peak, capacity/10)

		probing, stopProbing := context.WithCancel(t.Context())
		var probes sync.WaitGroup
		probes.Go(func() {
			for probing.Err() == nil {
				for _, path := range []string{"/livez", "/readyz"} {
					resp, err := g.Send(t.Context(), http.MethodGet, path, "")
					if err != nil || resp.Status != http.StatusOK {
						t.Errorf("%s: %d, %v", path, resp.Status, err)
					}
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
		goodput, slowest, statuses := sendAtRate(t, g, 3*capacity, 4*time.Second)
		stopProbing()
		probes.Wait()
		t.Logf("peak %.0f a second; at three times the capacity %.0f a second (%.0f %%), the slowest %s; statuses %v",
			peak, goodput, 100*goodput/peak, slowest, statuses)
		require.Greater(t, goodput, 0.8*peak)
		require.LessOrEqual(t, slowest, 5*work, "the slots admit four calls per worker, so that a call waits for few others")
		require.Len(t, statuses, 2)
		require.Positive(t, statuses[http.StatusServiceUnavailable], "the other requests are rejected")
	})
}

// A stream acquires a read slot for each page. The 20 streams of one caller take turns with the three slots that the
// caller may hold.
func TestStreamsAreServedWithinTheirCallersShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const streams, pages, share = 20, 5, 3
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			cfg.Limits.InFlight = config.InFlight{
				Reads: 2 * share, Writes: 1, Waits: 1, CallerShare: 0.5, Queue: streams, QueueTime: time.Second,
			}
		}})
		var mu sync.Mutex
		var concurrent, mostConcurrent, calls, lines int
		g.Upstream.Handle("ListWorkflowExecutions", func(ctx context.Context, request []byte) ([]byte, error) {
			page := &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflow.WorkflowExecutionInfo{{}}}
			mu.Lock()
			concurrent++
			mostConcurrent = max(mostConcurrent, concurrent)
			if calls++; calls <= streams*(pages-1) {
				page.NextPageToken = []byte("more")
			}
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			concurrent--
			return upstreamtest.Respond(page)(ctx, request)
		})
		var callers sync.WaitGroup
		for range streams {
			callers.Go(func() {
				resp, err := g.Send(t.Context(), http.MethodGet, servertest.WorkflowsPath, "", "Accept", "application/x-ndjson")
				if err != nil || resp.Status != http.StatusOK {
					t.Errorf("%d %s, %v", resp.Status, resp.Body, err)
				}
				mu.Lock()
				defer mu.Unlock()
				lines += strings.Count(resp.Body, "\n")
			})
		}
		callers.Wait()
		require.Equal(t, share, mostConcurrent, "concurrent upstream calls")
		require.Equal(t, streams*pages, lines, "streams that have begun are not rejected")
	})
}
