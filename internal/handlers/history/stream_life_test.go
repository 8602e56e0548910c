package history_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// requireIdle requires that no poll is open and that no slot is held.
func requireIdle(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
	t.Helper()
	synctest.Wait()
	require.Zero(t, c.Polls(), "no poll is open")
	metrics := g.AdminText(t, "/metrics")
	require.Contains(t, metrics, `flowgate_in_flight{kind="read"} 0`)
	require.Contains(t, metrics, `flowgate_in_flight{kind="wait"} 0`)
}

func TestAWaitingStreamHoldsOnlyAWaitSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			cfg.Limits.InFlight = config.InFlight{Reads: 1, Writes: 1, Waits: 2, CallerShare: 1, QueueTime: time.Second}
		}})
		c := temporalfake.NewRunChain(g.Upstream)
		streams := []*servertest.EventStream{g.FollowHistory(t, ""), g.FollowHistory(t, "")}
		for _, s := range streams {
			s.ReadIDs(t, 1)
		}
		synctest.Wait()
		metrics := g.AdminText(t, "/metrics")
		require.Contains(t, metrics, `flowgate_in_flight{kind="read"} 0`)
		require.Contains(t, metrics, `flowgate_in_flight{kind="wait"} 2`)
		resp := g.Do(t, http.MethodGet, servertest.HistoryPath, "", "Accept", "text/event-stream")
		require.Equal(t, http.StatusServiceUnavailable, resp.Status)
		require.Equal(t, "overloaded", resp.Field(t, "code"))
		c.ContinueAsNew() // both streams use the single read slot, one after the other
		for _, s := range streams {
			s.ReadIDs(t, 2)
		}
		for _, s := range streams {
			s.Close()
		}
		requireIdle(t, g, c)
	})
}

func TestStreamContinuesPastTheRequestBudget(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		s := g.FollowHistory(t, "", "Request-Timeout", "1s")
		s.ReadIDs(t, 1)
		before := len(g.Upstream.Calls("GetWorkflowExecutionHistory"))
		go func() {
			time.Sleep(50 * time.Minute)
			c.Signal(1)
			c.Terminate()
		}()
		require.Equal(t, 50*time.Minute, servertest.Elapsed(func() { s.ReadIDs(t, 1) }))
		polls := len(g.Upstream.Calls("GetWorkflowExecutionHistory")) - before
		require.InDelta(t, 50*60/20, polls, 3, "a poll lasts 20 s")
	})
}

func TestStreamEndsAfterAnHourAndCanBeResumed(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		s := g.FollowHistory(t, "")
		id := s.ReadIDs(t, 1)[0]
		require.Equal(t, time.Hour, s.ReadToEOF(t))
		requireIdle(t, g, c)
		c.Terminate()
		require.Equal(t, c.EventIDs()[1:], g.FollowHistory(t, "", "Last-Event-ID", id).ReadIDs(t, 1))
	})
}

func TestStreamEndsCleanlyOnDrain(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, servertest.WithDrain, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		s := g.FollowHistory(t, "")
		s.ReadIDs(t, 1)
		begin := time.Now()
		g.Stop()
		_, err := s.Next()
		require.ErrorIs(t, err, io.EOF, `the response is complete, and has no event "end"`)
		require.Equal(t, 5*time.Second, time.Since(begin), "streams end after the drain delay")
		require.NoError(t, <-g.Done)
		synctest.Wait()
		require.Zero(t, c.Polls())
	})
}

func TestDisconnectEndsThePoll(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		s := g.FollowHistory(t, "")
		s.ReadIDs(t, 1)
		synctest.Wait()
		require.Equal(t, 1, c.Polls())
		require.Zero(t, servertest.Elapsed(func() {
			s.Close()
			requireIdle(t, g, c)
		}), "the poll ends immediately")
		require.Contains(t, g.Log.String(), "client-closed-request")
	})
}

func TestAFailedPollClosesTheConnectionOfAStream(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		s := g.FollowHistory(t, "")
		id := s.ReadIDs(t, 1)[0]
		g.Upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.Fail(codes.NotFound, "workflow not found"))
		s.RequireAborted(t)
		requireIdle(t, g, c)
		require.Contains(t, g.Log.String(), "workflow-not-found")
		g.Upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.Typed(c.History))
		c.Terminate()
		require.Equal(t, c.EventIDs()[1:], g.FollowHistory(t, "", "Last-Event-ID", id).ReadIDs(t, 1), "nothing is lost")
	})
}

func TestAClosedRunWithoutACloseEventClosesTheConnectionOfAStream(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		c.Signal(5)
		c.Change(func(r *temporalfake.Run) { r.Status = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED })
		g.FollowHistory(t, "").RequireAborted(t)
		requireIdle(t, g, c)
	})
}

func TestAStreamWhoseClientStopsReadingIsClosed(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		c.Change(func(r *temporalfake.Run) {
			for range 2000 {
				r.AddEvent(enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED).Attributes = &history.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
					WorkflowExecutionSignaledEventAttributes: &history.WorkflowExecutionSignaledEventAttributes{SignalName: strings.Repeat("s", 1000)},
				}
			}
		})
		statusLine, _ := followRaw(t, g)
		require.Contains(t, statusLine, "200 OK")
		took := servertest.Elapsed(func() {
			for !strings.Contains(g.Log.String(), `"msg":"request"`) {
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
			}
		})
		require.InDelta(t, 30, took.Seconds(), 1)
		calls := len(g.Upstream.Calls("GetWorkflowExecutionHistory"))
		time.Sleep(time.Minute)
		require.Len(t, g.Upstream.Calls("GetWorkflowExecutionHistory"), calls, "the gateway fetches nothing more")
		requireIdle(t, g, c)
	})
}

// Without new events, the gateway detects the client when a write of a comment times out.
func TestAStreamWithoutEventsIsClosedWhenItsClientStopsReading(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		_, reader := followRaw(t, g)
		for line := ""; !strings.HasPrefix(line, "data:"); {
			var err error
			line, err = reader.ReadString('\n')
			require.NoError(t, err)
		}
		synctest.Wait()
		require.Equal(t, 1, c.Polls())
		time.Sleep(15*time.Second + 30*time.Second + time.Second) // the time to the comment, the write timeout and a margin
		requireIdle(t, g, c)
	})
}

// followRaw opens a stream and returns its status line and a reader of the rest. The
// reader does not read ahead.
func followRaw(t *testing.T, g *servertest.Gateway) (statusLine string, reader *bufio.Reader) {
	t.Helper()
	conn, err := g.Listener.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: g\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n", servertest.HistoryPath, servertest.WriterKey)
	require.NoError(t, err)
	reader = bufio.NewReaderSize(conn, 16)
	statusLine, err = reader.ReadString('\n')
	require.NoError(t, err)
	return statusLine, reader
}
