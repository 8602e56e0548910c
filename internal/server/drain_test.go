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
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestDrainTimeline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: servertest.WithDrain})
		temporalfake.NewWorkflow(g.Upstream)
		synctest.Wait() // the upstream's health is known
		require.Equal(t, http.StatusOK, g.ReadyzStatus(t))

		waiting := make(chan servertest.Response, 1)
		begin := time.Now()
		go func() {
			resp, _ := g.Send(t.Context(), http.MethodGet, servertest.ResultPath+"?wait=50s", "")
			waiting <- resp
		}()
		time.Sleep(time.Second)
		g.Stop()
		synctest.Wait()

		require.Equal(t, http.StatusServiceUnavailable, g.ReadyzStatus(t), "/readyz fails immediately")
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, "/livez", "").Status)
		during := g.Do(t, http.MethodGet, "/v1/system-info", "")
		require.Equal(t, http.StatusOK, during.Status, "requests are served during the delay")
		require.True(t, during.Close)

		resp := <-waiting
		require.Equal(t, 6*time.Second, time.Since(begin), "waits end at the end of the delay, 5 s after Stop")
		require.Equal(t, http.StatusAccepted, resp.Status)
		require.NotEmpty(t, resp.Header.Get("Location"))
		require.NoError(t, <-g.Done)
	})
}

func TestDrainCompletesRequestsInFlightAndRejectsNewOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: servertest.WithDrain})
		g.Upstream.Handle("CountWorkflowExecutions", func(ctx context.Context, _ []byte) ([]byte, error) {
			select { // a slow upstream
			case <-time.After(15 * time.Second):
			case <-ctx.Done():
			}
			return upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{Count: 7})(ctx, nil)
		})
		slow := make(chan servertest.Response, 1)
		go func() {
			resp, _ := g.Send(t.Context(), http.MethodGet, "/v1/namespaces/default/workflows:count", "")
			slow <- resp
		}()
		time.Sleep(time.Second)
		g.Stop()
		time.Sleep(6 * time.Second) // until after the delay of 5 s
		rejected := g.Do(t, http.MethodGet, "/v1/system-info", "")
		require.Equal(t, http.StatusServiceUnavailable, rejected.Status)
		require.Equal(t, "draining", rejected.Field(t, "code"))
		require.True(t, rejected.Close)
		require.Equal(t, "1", rejected.Header.Get("Retry-After"))
		resp := <-slow
		require.Equal(t, http.StatusOK, resp.Status)
		require.Equal(t, "7", resp.Field(t, "count"))
		require.NoError(t, <-g.Done)
	})
}

func TestDrainIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			servertest.WithDrain(cfg)
			cfg.Limits.Timeouts.Default = 5 * time.Minute
		}})
		g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Hang)
		late := make(chan servertest.Response, 1)
		go func() {
			resp, _ := g.Send(t.Context(), http.MethodGet, "/v1/namespaces/default/workflows:count", "")
			late <- resp
		}()
		time.Sleep(time.Second)
		begin := time.Now()
		g.Stop()
		require.NoError(t, <-g.Done)
		require.LessOrEqual(t, time.Since(begin), 36*time.Second, "the delay of 5 s, the timeout of 25 s and the time for the last writes")
		require.Contains(t, g.Log.String(), "requests in flight are ended")
		resp := <-late
		require.Equal(t, http.StatusServiceUnavailable, resp.Status, "the call is cancelled, and the caller receives a response")
		require.Equal(t, "draining", resp.Field(t, "code"))
	})
}

// While the gateway drains, callers keep sending requests, and open a new connection whenever the gateway closes one.
// Every request receives a response.
func TestDrainUnderLoadLosesNoRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: servertest.WithDrain})
		temporalfake.NewWorkflow(g.Upstream)
		synctest.Wait()
		var callers sync.WaitGroup
		var mu sync.Mutex
		statuses := map[int]int{}
		for i := range 20 {
			callers.Go(func() {
				time.Sleep(time.Duration(i) * 7 * time.Millisecond)
				for {
					conn, err := g.Listener.Dial(t.Context())
					if err != nil {
						return // the listener is closed
					}
					reuse := true
					for reuse {
						status, keepAlive, err := exchange(conn, "/v1/system-info")
						if err != nil {
							t.Errorf("a request received no response: %v", err)
						}
						mu.Lock()
						statuses[status]++
						mu.Unlock()
						reuse = keepAlive && err == nil
						time.Sleep(50 * time.Millisecond)
					}
					_ = conn.Close()
				}
			})
		}
		time.Sleep(2 * time.Second)
		g.Stop()
		require.NoError(t, <-g.Done)
		callers.Wait()
		require.Greater(t, statuses[http.StatusOK], 500, "20 callers send about 20 requests a second each, for 7 s")
		for status := range statuses { // 503 for requests that arrived just before the listener closed
			require.Contains(t, []int{http.StatusOK, http.StatusServiceUnavailable}, status)
		}
	})
}

// exchange sends one request on a connection and reads the response. http.Client would retry the request. keepAlive
// reports whether the connection may be reused.
func exchange(conn io.ReadWriter, path string) (status int, keepAlive bool, err error) {
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer %s\r\n\r\n", path, servertest.WriterKey)
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
