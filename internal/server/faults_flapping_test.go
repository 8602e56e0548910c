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

// shots are the answers to 1,000 requests a second, by status, and how many of
// them took time.
type shots struct {
	mu       sync.Mutex
	byStatus map[int]int
	late     int
}

func (f *faulty) shoot(t *testing.T, d time.Duration) *shots {
	t.Helper()
	s := &shots{byStatus: map[int]int{}}
	var callers sync.WaitGroup
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for range 10 {
			callers.Go(func() {
				begin := time.Now()
				a, err := f.Send(t.Context(), readOp().method, readOp().path, "")
				if err != nil || a.Status != http.StatusOK && a.Header.Get("Retry-After") != "1" {
					t.Errorf("%d %v", a.Status, err)
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				s.byStatus[a.Status]++
				if time.Since(begin) > 0 {
					s.late++
				}
			})
		}
	}
	callers.Wait()
	return s
}

// An upstream that fails all calls of a busy gateway is soon left alone, and
// used again as soon as it answers.
func TestABusyGatewaySparesAnUpstreamThatIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := startFaulty(t, nil)
		good := f.Upstream.Handler(readOp().rpc)
		f.Upstream.Handle(readOp().rpc, upstreamtest.Fail(codes.Unavailable, secret))
		f.Upstream.Handle("GetSystemInfo", upstreamtest.Fail(codes.Unavailable, secret))
		calls := len(f.Upstream.AllCalls())
		s := f.shoot(t, 10*time.Second)
		made := len(f.Upstream.AllCalls()) - calls
		t.Logf("10,000 requests: %v, %d late, %d calls upstream", s.byStatus, s.late, made)
		require.Equal(t, map[int]int{http.StatusServiceUnavailable: 10_000}, s.byStatus)
		require.LessOrEqual(t, made, 40)
		require.LessOrEqual(t, s.late, 40)
		f.expect(t, readOp(), failed(problem.UpstreamUnavailable).after(at(0)))
		require.Contains(t, f.AdminText(t, "/metrics"), "flowgate_upstream_breaker_open 1")

		f.Upstream.Handle(readOp().rpc, good)
		f.Upstream.Handle("GetSystemInfo", upstreamtest.Unknown(0))
		f.lift(t)
		require.Contains(t, f.AdminText(t, "/metrics"), "flowgate_upstream_breaker_open 0")
		s = f.shoot(t, time.Second)
		require.Equal(t, map[int]int{http.StatusOK: 1000}, s.byStatus)
	})
}

func TestABusyGatewayGoesOnWithAnUpstreamThatFlaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := startFaulty(t, nil)
		good := f.Upstream.Handler(readOp().rpc)
		bad := upstreamtest.Fail(codes.Unavailable, secret)
		turns := make([]upstreamtest.Handler, 0, 4000)
		for range 2000 {
			turns = append(turns, bad, good)
		}
		f.Upstream.Handle(readOp().rpc, upstreamtest.InTurn(turns...))
		calls := len(f.Upstream.Calls(readOp().rpc))
		s := f.shoot(t, 2*time.Second)
		made := len(f.Upstream.Calls(readOp().rpc)) - calls
		t.Logf("2,000 requests: %v, %d late, %d calls upstream", s.byStatus, s.late, made)
		require.GreaterOrEqual(t, s.byStatus[http.StatusOK], 1000)
		require.Equal(t, 2000, s.byStatus[http.StatusOK]+s.byStatus[http.StatusServiceUnavailable])
		require.GreaterOrEqual(t, made, 2000, "the breaker stays closed")
		require.LessOrEqual(t, made, 2200)
	})
}
