package server_test

import (
	"bufio"
	"bytes"
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
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const thirdKey = "fg_third_tttttttttttttttttttttttttttttttt"

// slowBodies returns the cases about bodies that arrive slowly or not at all. The gateway rejects a body that arrives at
// less than 8 KiB a second after a few seconds, and any other body after listen.timeouts.readBody (30 seconds).
func slowBodies() []hostile {
	rows := []hostile{
		{number: 88, name: "a body at 4 KiB a second", act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			return sendBodyAtRate(t, g, 4<<10, 7*time.Second)
		}},
		{number: 88, name: "a body at 16 KiB a second", act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			return sendBodyAtRate(t, g, 16<<10, 30*time.Second)
		}},
		{number: 88, name: "large bodies of one caller", act: largeBodies, configure: func(cfg *config.Config) {
			cfg.Limits.BytesInFlight.Requests = 16 << 20
			cfg.Limits.InFlight.CallerShare = 0.5
		}},
	}
	for name, path := range map[string]string{"the client API": terminatePath, "the Temporal API": temporalWorkflowsPath + "/w/signal/s"} {
		for _, sockets := range []int{200, 2000} {
			rows = append(rows, hostile{
				number: 88, name: fmt.Sprintf("two callers with %d bodies each that never arrive, to %s", sockets, name),
				configure: withKeys(keyEntry{thirdKey, "grants: [{namespace: default, role: write}]"}),
				act: func(t *testing.T, g *servertest.Gateway) string {
					t.Helper()
					return manySlowBodies(t, g, path, sockets)
				},
			})
		}
	}
	return rows
}

// manySlowBodies opens connections for two callers on which the body never arrives, while a third caller sends writes.
func manySlowBodies(t *testing.T, g *servertest.Gateway, path string, sockets int) string {
	t.Helper()
	for _, method := range []string{"TerminateWorkflowExecution", "SignalWorkflowExecution"} {
		g.Upstream.Handle(method, upstreamtest.Respond(&workflowservice.TerminateWorkflowExecutionResponse{}))
	}
	for range sockets {
		for _, key := range []string{servertest.WriterKey, servertest.OwnCredentialKey} {
			openRequest(t, g, "POST "+path+" HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer "+key+
				"\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n")
		}
	}
	synctest.Wait()
	held := bytesHeld(t, g, "request")
	statuses, lastRejection := map[int]int{}, time.Duration(0)
	begin := time.Now()
	for time.Since(begin) < 32*time.Second { // until the bodies of the other callers have timed out
		resp := g.Do(t, http.MethodPost, path, `{}`, "Authorization", "Bearer "+thirdKey)
		if statuses[resp.Status]++; resp.Status >= http.StatusBadRequest {
			lastRejection = time.Since(begin)
		}
		time.Sleep(time.Second / 4)
	}
	synctest.Wait()
	summary := fmt.Sprintf("%d bytes held; statuses of another caller's writes %v, the last rejection after %s", held, statuses, lastRejection)
	t.Log(summary)
	require.Zero(t, lastRejection, summary)
	require.Positive(t, held)
	require.Zero(t, bytesHeld(t, g, "request"))
	return summary
}

// sendBodyAtRate sends a body that does not end, at a rate in bytes per second. The gateway must reject the request
// after about the time want.
func sendBodyAtRate(t *testing.T, g *servertest.Gateway, rate int, want time.Duration) string {
	t.Helper()
	conn := openRequest(t, g, requestHead("POST", servertest.WorkflowsPath, "Content-Type: application/json", "Content-Length: 4000000")+"\r\n")
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() {
		part := bytes.Repeat([]byte(" "), rate/4)
		for {
			if _, err := conn.Write(part); err != nil {
				return
			}
			time.Sleep(time.Second / 4)
		}
	})
	defer func() { _ = conn.Close() }()
	var response *http.Response
	var err error
	took := servertest.Elapsed(func() { response, err = http.ReadResponse(bufio.NewReader(conn), nil) })
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestTimeout, response.StatusCode)
	require.InDelta(t, want.Seconds(), took.Seconds(), 0.5)
	return fmt.Sprintf("408 request-timeout after %s", took)
}

// largeBodies sends large bodies for one caller, each without the last byte, while another caller sends a complete
// body.
func largeBodies(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	const size = 4 << 20
	var sending sync.WaitGroup
	defer sending.Wait()
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 10 {
		conn := openRequest(t, g, requestHead("POST", servertest.WorkflowsPath, "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", size))+"\r\n")
		sending.Go(func() { _, _ = conn.Write(bytes.Repeat([]byte(" "), size-1)) })
		sending.Go(func() {
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Errorf("no response: %v", err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			mu.Lock()
			defer mu.Unlock()
			statuses[response.StatusCode]++
		})
	}
	time.Sleep(2 * time.Second) // until each body lacks only its last byte, or has been rejected
	synctest.Wait()
	held := bytesHeld(t, g, "request")
	g.Upstream.Handle("TerminateWorkflowExecution", upstreamtest.Respond(&workflowservice.TerminateWorkflowExecutionResponse{}))
	resp := g.Do(t, http.MethodPost, terminatePath, `{"reason":"`+strings.Repeat(" ", 1<<20)+`"}`, "Authorization", "Bearer "+servertest.OwnCredentialKey)
	require.Less(t, resp.Status, http.StatusBadRequest, resp.Body)
	time.Sleep(time.Minute) // until the incomplete bodies have timed out
	synctest.Wait()
	summary := fmt.Sprintf("%d bytes held, 10 bodies of 4 MB: %v; another caller's body is accepted", held, statuses)
	t.Log(summary)
	require.LessOrEqual(t, held, 8<<20, summary)
	require.Greater(t, held, 2<<20, summary)
	require.Positive(t, statuses[http.StatusTooManyRequests], summary)
	require.Zero(t, bytesHeld(t, g, "request"))
	return summary
}
