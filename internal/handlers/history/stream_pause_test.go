package history_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

// The server responds to a poll for a paused run as if the run had closed.
func TestAStreamContinuesWhileTheRunIsPaused(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) *servertest.EventStream{
		"paused while the stream is open": func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) *servertest.EventStream {
			t.Helper()
			s := g.FollowHistory(t, "?pageSize=3")
			require.Equal(t, c.EventIDs(), s.ReadIDs(t, 11))
			c.SetPaused(true)
			require.Equal(t, c.EventIDs()[11:], s.ReadIDs(t, 1))
			return s
		},
		"paused before the stream begins": func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) *servertest.EventStream {
			t.Helper()
			c.SetPaused(true)
			s := g.FollowHistory(t, "?pageSize=3")
			require.Equal(t, c.EventIDs(), s.ReadIDs(t, 12))
			return s
		},
		"resumed after the pause event": func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) *servertest.EventStream {
			t.Helper()
			c.SetPaused(true)
			return g.FollowHistory(t, "?pageSize=3", "Last-Event-ID", c.EventIDs()[11])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
				c.Signal(10)
				s := begin(t, g, c)
				for _, addEvent := range []func(){
					func() { c.Signal(1) }, func() { c.SetPaused(false) }, func() { c.Signal(1) },
					func() { c.SetPaused(true) }, c.Terminate,
				} {
					time.Sleep(10 * time.Second)
					addEvent()
					all := c.EventIDs()
					require.LessOrEqual(t, servertest.Elapsed(func() { require.Equal(t, all[len(all)-1:], s.ReadIDs(t, 1)) }), time.Second)
				}
				s.RequireEndEvent(t, `{"workflowId":"order","runId":"`+temporalfake.ChainRunID(1)+`","status":"TERMINATED"}`)
				requireIdle(t, g, c)
			})
		})
	}
}

func TestAPauseIsNotACloseEvent(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		s := g.FollowHistory(t, "?eventFilterType=CLOSE_EVENT")
		for range 2 {
			for _, paused := range []bool{true, false} {
				time.Sleep(5 * time.Second)
				c.SetPaused(paused)
			}
		}
		c.Terminate()
		require.Equal(t, []string{temporalfake.ChainRunID(1) + "/6"}, s.ReadIDs(t, 1))
	})
}

// While a run is paused, a stream describes it once per second and does not read its
// history.
func TestAStreamOfAPausedRunDoesNotPollTheHistory(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		c.SetPaused(true)
		s := g.FollowHistory(t, "")
		s.ReadIDs(t, 2)
		calls := func(method string) int { return len(g.Upstream.Calls(method)) }
		pages, descriptions := calls("GetWorkflowExecutionHistory"), calls("DescribeWorkflowExecution")
		for range 4 {
			b, err := s.Next()
			require.NoError(t, err)
			require.Equal(t, servertest.EventBlock{"": ""}, b, "a comment every 15 s")
		}
		require.Equal(t, pages, calls("GetWorkflowExecutionHistory"))
		require.InDelta(t, 60, calls("DescribeWorkflowExecution")-descriptions, 1)
		s.Close()
		requireIdle(t, g, c)
	})
}
