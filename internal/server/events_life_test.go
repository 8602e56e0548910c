package server_test

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
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// idle requires that nothing is left of a stream.
func idle(t *testing.T, g *gateway, c *fakeChain) {
	t.Helper()
	synctest.Wait()
	require.Zero(t, c.waiting(), "nobody waits any more")
	metrics := g.adminText(t, "/metrics")
	require.Contains(t, metrics, `flowgate_in_flight{kind="read"} 0`)
	require.Contains(t, metrics, `flowgate_in_flight{kind="wait"} 0`)
}

func TestStreamHoldsAPlaceAmongTheWaitsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{configure: func(cfg *config.Config) {
			cfg.Limits.InFlight = config.InFlight{Reads: 1, Writes: 1, Waits: 2, CallerShare: 1, QueueTime: time.Second}
		}})
		c := newFakeChain(g.upstream)
		streams := []*eventStream{g.follow(t, ""), g.follow(t, "")}
		for _, s := range streams {
			s.ids(t, 1)
		}
		synctest.Wait()
		metrics := g.adminText(t, "/metrics")
		require.Contains(t, metrics, `flowgate_in_flight{kind="read"} 0`)
		require.Contains(t, metrics, `flowgate_in_flight{kind="wait"} 2`)
		a := g.do(t, http.MethodGet, eventsPath, "", "Accept", "text/event-stream")
		require.Equal(t, http.StatusServiceUnavailable, a.status)
		require.Equal(t, "overloaded", a.field(t, "code"))
		c.continueAsNew() // both have one place among the reads for the next run
		for _, s := range streams {
			s.ids(t, 2)
		}
		for _, s := range streams {
			s.close()
		}
		idle(t, g, c)
	})
}

func TestStreamOutlastsTheRequestBudget(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		s := g.follow(t, "", "Request-Timeout", "1s")
		s.ids(t, 1)
		before := len(g.upstream.Calls("GetWorkflowExecutionHistory"))
		go func() {
			time.Sleep(50 * time.Minute)
			c.signal(1)
			c.terminate()
		}()
		require.Equal(t, 50*time.Minute, elapsed(func() { s.ids(t, 1) }))
		polls := len(g.upstream.Calls("GetWorkflowExecutionHistory")) - before
		require.InDelta(t, 50*60/20, polls, 3, "slices of 20 s")
	})
}

func TestStreamEndsForItsCallerToComeAgain(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		s := g.follow(t, "")
		id := s.ids(t, 1)[0]
		require.Equal(t, time.Hour, s.lasts(t))
		idle(t, g, c)
		c.terminate()
		require.Equal(t, c.ids()[1:], g.follow(t, "", "Last-Event-ID", id).ids(t, 1))
	})
}

func TestStreamEndsCleanlyOnDrain(t *testing.T) {
	t.Parallel()
	chained(t, drainConfig, func(t *testing.T, g *gateway, c *fakeChain) {
		s := g.follow(t, "")
		s.ids(t, 1)
		begin := time.Now()
		g.stop()
		_, err := s.next()
		require.ErrorIs(t, err, io.EOF, "no end of the workflow, and no cut")
		require.Equal(t, 5*time.Second, time.Since(begin), "with the delay")
		require.NoError(t, <-g.done)
		synctest.Wait()
		require.Zero(t, c.waiting())
	})
}

func TestCallerWhoLeavesEndsThePoll(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		s := g.follow(t, "")
		s.ids(t, 1)
		synctest.Wait()
		require.Equal(t, 1, c.waiting())
		require.Zero(t, elapsed(func() {
			s.close()
			idle(t, g, c)
		}), "at once")
		require.Contains(t, g.log.String(), "client-closed-request")
	})
}

func TestStreamIsCutWhenTheUpstreamFails(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		s := g.follow(t, "")
		id := s.ids(t, 1)[0]
		g.upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.Fail(codes.NotFound, "workflow not found"))
		s.cut(t)
		idle(t, g, c)
		require.Contains(t, g.log.String(), "workflow-not-found")
		g.upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.Typed(c.history))
		c.terminate()
		require.Equal(t, c.ids()[1:], g.follow(t, "", "Last-Event-ID", id).ids(t, 1), "nothing is lost")
	})
}

func TestHistoryThatEndsTooEarlyIsNoEnd(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		c.signal(5)
		c.change(func(r *fakeRun) { r.status = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED })
		g.follow(t, "").cut(t)
		idle(t, g, c)
	})
}

func TestReaderWhoStopsIsDropped(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		c.change(func(r *fakeRun) {
			for range 2000 {
				r.add(enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED).Attributes = &history.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
					WorkflowExecutionSignaledEventAttributes: &history.WorkflowExecutionSignaledEventAttributes{SignalName: strings.Repeat("s", 1000)},
				}
			}
		})
		head, _ := followRaw(t, g)
		require.Contains(t, head, "200 OK")
		took := elapsed(func() {
			for !strings.Contains(g.log.String(), `"msg":"request"`) {
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
			}
		})
		require.InDelta(t, 30, took.Seconds(), 1)
		calls := len(g.upstream.Calls("GetWorkflowExecutionHistory"))
		time.Sleep(time.Minute)
		require.Len(t, g.upstream.Calls("GetWorkflowExecutionHistory"), calls, "nothing is fetched for it any more")
		idle(t, g, c)
	})
}

// TestReaderWhoStopsDuringSilenceIsDropped is the one whom comments find out.
func TestReaderWhoStopsDuringSilenceIsDropped(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		_, reader := followRaw(t, g)
		for line := ""; !strings.HasPrefix(line, "data:"); {
			var err error
			line, err = reader.ReadString('\n')
			require.NoError(t, err)
		}
		synctest.Wait()
		require.Equal(t, 1, c.waiting())
		time.Sleep(15*time.Second + 30*time.Second + time.Second)
		idle(t, g, c)
	})
}

// followRaw opens a stream and gives its status line and the rest. It reads no
// further than its caller does.
func followRaw(t *testing.T, g *gateway) (head string, reader *bufio.Reader) {
	t.Helper()
	conn, err := g.listener.dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: g\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n", eventsPath, writerKey)
	require.NoError(t, err)
	reader = bufio.NewReaderSize(conn, 16)
	head, err = reader.ReadString('\n')
	require.NoError(t, err)
	return head, reader
}
