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

// busyServer is an upstream that does a bounded number of calls at a time and
// lets the others wait in line: calls that are given up while they wait have
// cost it nothing, those that it works on cost it their whole time.
func busyServer(workers int, work time.Duration) upstreamtest.Handler {
	free := make(chan struct{}, workers)
	answer := upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{Count: 1})
	return func(ctx context.Context, request []byte) ([]byte, error) {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		defer func() { <-free }()
		time.Sleep(work)
		return answer(ctx, request)
	}
}

// offer sends requests at a rate, whatever becomes of them, and gives how many
// a second were answered well.
func offer(t *testing.T, g *servertest.Gateway, perSecond int, length time.Duration) (goodput float64, slowest time.Duration, statuses map[int]int) {
	t.Helper()
	var mu sync.Mutex
	var callers sync.WaitGroup
	statuses = map[int]int{}
	begin := time.Now()
	for time.Since(begin) < length {
		callers.Go(func() {
			var a servertest.Response
			took := servertest.Elapsed(func() { a, _ = g.Send(t.Context(), http.MethodGet, count, "") })
			mu.Lock()
			defer mu.Unlock()
			statuses[a.Status]++
			if a.Status == http.StatusOK {
				slowest = max(slowest, took)
			}
		})
		time.Sleep(time.Second / time.Duration(perSecond))
	}
	callers.Wait()
	return float64(statuses[http.StatusOK]) / time.Since(begin).Seconds(), slowest, statuses
}

func TestGoodputHoldsAtThreeTimesTheCapacity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const workers, work, capacity = 5, 10 * time.Millisecond, 500 // a second
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			cfg.Limits.InFlight = config.InFlight{Reads: 4 * workers, Writes: 1, Waits: 1, CallerShare: 1, QueueTime: time.Second}
		}})
		g.Upstream.Handle("CountWorkflowExecutions", busyServer(workers, work))
		peak, _, _ := offer(t, g, capacity, 4*time.Second)
		require.InDelta(t, capacity, peak, capacity/10)

		probing, probed := context.WithCancel(t.Context())
		var probes sync.WaitGroup
		probes.Go(func() {
			for probing.Err() == nil {
				for _, path := range []string{"/livez", "/readyz"} {
					a, err := g.Send(t.Context(), http.MethodGet, path, "")
					if err != nil || a.Status != http.StatusOK {
						t.Errorf("%s: %d, %v", path, a.Status, err)
					}
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
		goodput, slowest, statuses := offer(t, g, 3*capacity, 4*time.Second)
		probed()
		probes.Wait()
		t.Logf("peak %.0f a second; at three times the capacity %.0f a second (%.0f %%), the slowest %s; statuses %v",
			peak, goodput, 100*goodput/peak, slowest, statuses)
		require.Greater(t, goodput, 0.8*peak)
		require.LessOrEqual(t, slowest, 5*work, "what is taken is served soon: nothing queues but what is in flight")
		require.Len(t, statuses, 2)
		require.Positive(t, statuses[http.StatusServiceUnavailable], "the rest is told at once to come again")
	})
}

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
		var fetching, most, calls, lines int
		g.Upstream.Handle("ListWorkflowExecutions", func(ctx context.Context, request []byte) ([]byte, error) {
			page := &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflow.WorkflowExecutionInfo{{}}}
			mu.Lock()
			fetching++
			most = max(most, fetching)
			if calls++; calls <= streams*(pages-1) {
				page.NextPageToken = []byte("more")
			}
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			fetching--
			return upstreamtest.Respond(page)(ctx, request)
		})
		var callers sync.WaitGroup
		for range streams {
			callers.Go(func() {
				a, err := g.Send(t.Context(), http.MethodGet, servertest.WorkflowsPath, "", "Accept", "application/x-ndjson")
				if err != nil || a.Status != http.StatusOK {
					t.Errorf("%d %s, %v", a.Status, a.Body, err)
				}
				mu.Lock()
				defer mu.Unlock()
				lines += strings.Count(a.Body, "\n")
			})
		}
		callers.Wait()
		require.Equal(t, share, most, "calls upstream at a time")
		require.Equal(t, streams*pages, lines, "what has begun is not refused")
	})
}
