package history_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

// TestStreamContinuesThroughAPause: the server ends the history of a paused run as
// if the run had closed.
func TestStreamContinuesThroughAPause(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(t *testing.T, g *servertest.Gateway, c *temporalfake.Chain) *servertest.EventStream{
		"that comes": func(t *testing.T, g *servertest.Gateway, c *temporalfake.Chain) *servertest.EventStream {
			t.Helper()
			s := g.Follow(t, "?pageSize=3")
			require.Equal(t, c.EventIDs(), s.ReadIDs(t, 11))
			c.SetPaused(true)
			require.Equal(t, c.EventIDs()[11:], s.ReadIDs(t, 1))
			return s
		},
		"that is there": func(t *testing.T, g *servertest.Gateway, c *temporalfake.Chain) *servertest.EventStream {
			t.Helper()
			c.SetPaused(true)
			s := g.Follow(t, "?pageSize=3")
			require.Equal(t, c.EventIDs(), s.ReadIDs(t, 12))
			return s
		},
		"that is known": func(t *testing.T, g *servertest.Gateway, c *temporalfake.Chain) *servertest.EventStream {
			t.Helper()
			c.SetPaused(true)
			return g.Follow(t, "?pageSize=3", "Last-Event-ID", c.EventIDs()[11])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.Chain) {
				c.Signal(10)
				s := begin(t, g, c)
				for _, happens := range []func(){
					func() { c.Signal(1) }, func() { c.SetPaused(false) }, func() { c.Signal(1) },
					func() { c.SetPaused(true) }, c.Terminate,
				} {
					time.Sleep(10 * time.Second)
					happens()
					all := c.EventIDs()
					require.LessOrEqual(t, servertest.Elapsed(func() { require.Equal(t, all[len(all)-1:], s.ReadIDs(t, 1)) }), time.Second)
				}
				s.RequireEnd(t, `{"workflowId":"order","runId":"`+temporalfake.ChainRunID(1)+`","status":"TERMINATED"}`)
				idle(t, g, c)
			})
		})
	}
}

func TestPauseIsNoCloseEvent(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.Chain) {
		s := g.Follow(t, "?eventFilterType=CLOSE_EVENT")
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

// TestPauseCostsLittle counts the calls of a stream of a paused run: it describes
// the run, and does not read its history again and again.
func TestPauseCostsLittle(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.Chain) {
		c.SetPaused(true)
		s := g.Follow(t, "")
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
		idle(t, g, c)
	})
}
