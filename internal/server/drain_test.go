package server_test

import (
	"bufio"
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
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestDrainKeepsItsTimeline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{configure: drainConfig})
		newFakeWorkflow(g.upstream)
		synctest.Wait() // the upstream's health is known
		require.Equal(t, http.StatusOK, g.ready(t))

		waiting := make(chan answered, 1)
		begin := time.Now()
		go func() {
			a, _ := g.send(t.Context(), http.MethodGet, resultPath+"?wait=50s", "")
			waiting <- a
		}()
		time.Sleep(time.Second)
		g.stop()
		synctest.Wait()

		require.Equal(t, http.StatusServiceUnavailable, g.ready(t), "not ready at once")
		require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, "/livez", "").status)
		during := g.do(t, http.MethodGet, "/v1/system-info", "")
		require.Equal(t, http.StatusOK, during.status, "served during the delay")
		require.True(t, during.closes)

		a := <-waiting
		require.Equal(t, 6*time.Second, time.Since(begin), "waits end with the delay")
		require.Equal(t, http.StatusAccepted, a.status)
		require.NotEmpty(t, a.header.Get("Location"))
		require.NoError(t, <-g.done)
	})
}

func TestDrainAnswersWhatIsInFlightAndRefusesWhatIsNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{configure: drainConfig})
		g.upstream.Handle("CountWorkflowExecutions", func(ctx context.Context, _ []byte) ([]byte, error) {
			select { // a slow upstream
			case <-time.After(15 * time.Second):
			case <-ctx.Done():
			}
			return upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{Count: 7})(ctx, nil)
		})
		slow := make(chan answered, 1)
		go func() {
			a, _ := g.send(t.Context(), http.MethodGet, "/v1/namespaces/default/workflows:count", "")
			slow <- a
		}()
		time.Sleep(time.Second)
		g.stop()
		time.Sleep(6 * time.Second)
		refused := g.do(t, http.MethodGet, "/v1/system-info", "")
		require.Equal(t, http.StatusServiceUnavailable, refused.status)
		require.Equal(t, "draining", refused.field(t, "code"))
		require.True(t, refused.closes)
		require.Equal(t, "1", refused.header.Get("Retry-After"))
		a := <-slow
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, "7", a.field(t, "count"))
		require.NoError(t, <-g.done)
	})
}

func TestDrainIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{configure: func(cfg *config.Config) {
			drainConfig(cfg)
			cfg.Limits.Timeouts.Default = 5 * time.Minute
		}})
		g.upstream.Handle("CountWorkflowExecutions", upstreamtest.Hang)
		late := make(chan answered, 1)
		go func() {
			a, _ := g.send(t.Context(), http.MethodGet, "/v1/namespaces/default/workflows:count", "")
			late <- a
		}()
		time.Sleep(time.Second)
		begin := time.Now()
		g.stop()
		require.NoError(t, <-g.done)
		require.LessOrEqual(t, time.Since(begin), 36*time.Second, "delay, timeout and last writes")
		require.Contains(t, g.log.String(), "requests in flight are ended")
		a := <-late
		require.Equal(t, http.StatusServiceUnavailable, a.status, "even this call is answered")
		require.Equal(t, "draining", a.field(t, "code"))
	})
}

// TestDrainUnderLoadLosesNothing keeps callers going, each on a connection of
// its own that it reuses while it may, and ends the gateway among them.
func TestDrainUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{configure: drainConfig})
		newFakeWorkflow(g.upstream)
		synctest.Wait()
		var callers sync.WaitGroup
		var mu sync.Mutex
		statuses := map[int]int{}
		for i := range 20 {
			callers.Go(func() {
				time.Sleep(time.Duration(i) * 7 * time.Millisecond)
				for {
					conn, err := g.listener.dial(t.Context())
					if err != nil {
						return // nothing was begun
					}
					again := true
					for again {
						status, more, err := exchange(conn, "/v1/system-info")
						if err != nil {
							t.Errorf("a request that was begun got no answer: %v", err)
						}
						mu.Lock()
						statuses[status]++
						mu.Unlock()
						again = more && err == nil
						time.Sleep(50 * time.Millisecond)
					}
					_ = conn.Close()
				}
			})
		}
		time.Sleep(2 * time.Second)
		g.stop()
		require.NoError(t, <-g.done)
		callers.Wait()
		require.Greater(t, statuses[http.StatusOK], 500)
		for status := range statuses { // 503 for who came just before the listener closed
			require.Contains(t, []int{http.StatusOK, http.StatusServiceUnavailable}, status)
		}
	})
}

// exchange sends one request on a connection by hand, so that no client
// library repeats it, and tells whether the connection may be used again.
func exchange(conn io.ReadWriter, path string) (status int, again bool, err error) {
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer %s\r\n\r\n", path, writerKey)
	if err != nil {
		return 0, false, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, false, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode, !strings.EqualFold(response.Header.Get("Connection"), "close") && !response.Close, err
}
