package server_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// loadResult counts the responses by status, and those that did not arrive immediately.
type loadResult struct {
	mu       sync.Mutex
	byStatus map[int]int
	late     int
}

// load sends 1,000 requests per second for the time d. Each response must be a success or
// have a Retry-After of one second.
func (f *faulty) load(t *testing.T, d time.Duration) *loadResult {
	t.Helper()
	result := &loadResult{byStatus: map[int]int{}}
	var callers sync.WaitGroup
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for range 10 {
			callers.Go(func() {
				begin := time.Now()
				resp, err := f.Send(t.Context(), readOp().method, readOp().path, "")
				if err != nil || resp.Status != http.StatusOK && resp.Header.Get("Retry-After") != "1" {
					t.Errorf("%d %v", resp.Status, err)
				}
				result.mu.Lock()
				defer result.mu.Unlock()
				result.byStatus[resp.Status]++
				if time.Since(begin) > 0 {
					result.late++
				}
			})
		}
	}
	callers.Wait()
	return result
}

// The breaker soon stops the calls to an upstream that fails all of them, and permits
// calls again as soon as the upstream has recovered.
func TestTheBreakerProtectsAFailingUpstream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := startFaulty(t, nil)
		good := f.Upstream.Handler(readOp().rpc)
		f.Upstream.Handle(readOp().rpc, upstreamtest.Fail(codes.Unavailable, upstreamAddress))
		f.Upstream.Handle("GetSystemInfo", upstreamtest.Fail(codes.Unavailable, upstreamAddress))
		calls := len(f.Upstream.AllCalls())
		result := f.load(t, 10*time.Second)
		attempts := len(f.Upstream.AllCalls()) - calls
		t.Logf("10,000 requests: %v, %d late, %d upstream calls", result.byStatus, result.late, attempts)
		require.Equal(t, map[int]int{http.StatusServiceUnavailable: 10_000}, result.byStatus)
		const mostBeforeOpen = 40 // the failures that open the breaker, calls in flight meanwhile, trial calls
		require.LessOrEqual(t, attempts, mostBeforeOpen)
		require.LessOrEqual(t, result.late, mostBeforeOpen)
		f.expect(t, readOp(), failed(problem.UpstreamUnavailable).after(about(0)))
		require.Contains(t, f.AdminText(t, "/metrics"), "flowgate_upstream_breaker_open 1")

		f.Upstream.Handle(readOp().rpc, good)
		f.Upstream.Handle("GetSystemInfo", upstreamtest.RespondWithUnknownField(0))
		f.endFault(t)
		require.Contains(t, f.AdminText(t, "/metrics"), "flowgate_upstream_breaker_open 0")
		result = f.load(t, time.Second)
		require.Equal(t, map[int]int{http.StatusOK: 1000}, result.byStatus)
	})
}

// A flapping upstream fails every second call. The breaker opens only after consecutive
// failures.
func TestTheBreakerStaysClosedForAFlappingUpstream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := startFaulty(t, nil)
		good := f.Upstream.Handler(readOp().rpc)
		bad := upstreamtest.Fail(codes.Unavailable, upstreamAddress)
		turns := make([]upstreamtest.Handler, 0, 4000)
		for range 2000 {
			turns = append(turns, bad, good)
		}
		f.Upstream.Handle(readOp().rpc, upstreamtest.InTurn(turns...))
		calls := len(f.Upstream.Calls(readOp().rpc))
		result := f.load(t, 2*time.Second)
		attempts := len(f.Upstream.Calls(readOp().rpc)) - calls
		t.Logf("2,000 requests: %v, %d late, %d upstream calls", result.byStatus, result.late, attempts)
		require.GreaterOrEqual(t, result.byStatus[http.StatusOK], 1000)
		require.Equal(t, 2000, result.byStatus[http.StatusOK]+result.byStatus[http.StatusServiceUnavailable])
		require.GreaterOrEqual(t, attempts, 2000, "the breaker stays closed")
		require.LessOrEqual(t, attempts, 2200, "the throttle limits the retries")
	})
}
