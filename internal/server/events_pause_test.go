package server_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestStreamOutlastsAPause has a paused run, whose history the server ends as if
// the run had closed.
func TestStreamOutlastsAPause(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(t *testing.T, g *gateway, c *fakeChain) *eventStream{
		"that comes": func(t *testing.T, g *gateway, c *fakeChain) *eventStream {
			t.Helper()
			s := g.follow(t, "?pageSize=3")
			require.Equal(t, c.ids(), s.ids(t, 11))
			c.pause(true)
			require.Equal(t, c.ids()[11:], s.ids(t, 1))
			return s
		},
		"that is there": func(t *testing.T, g *gateway, c *fakeChain) *eventStream {
			t.Helper()
			c.pause(true)
			s := g.follow(t, "?pageSize=3")
			require.Equal(t, c.ids(), s.ids(t, 12))
			return s
		},
		"that is known": func(t *testing.T, g *gateway, c *fakeChain) *eventStream {
			t.Helper()
			c.pause(true)
			return g.follow(t, "?pageSize=3", "Last-Event-ID", c.ids()[11])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
				c.signal(10)
				s := begin(t, g, c)
				for _, happens := range []func(){
					func() { c.signal(1) }, func() { c.pause(false) }, func() { c.signal(1) },
					func() { c.pause(true) }, c.terminate,
				} {
					time.Sleep(10 * time.Second)
					happens()
					all := c.ids()
					require.LessOrEqual(t, elapsed(func() { require.Equal(t, all[len(all)-1:], s.ids(t, 1)) }), time.Second)
				}
				s.end(t, `{"workflowId":"order","runId":"`+chainRun(1)+`","status":"TERMINATED"}`)
				idle(t, g, c)
			})
		})
	}
}

func TestPauseIsNoCloseEvent(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		s := g.follow(t, "?eventFilterType=CLOSE_EVENT")
		for range 2 {
			for _, paused := range []bool{true, false} {
				time.Sleep(5 * time.Second)
				c.pause(paused)
			}
		}
		c.terminate()
		require.Equal(t, []string{chainRun(1) + "/6"}, s.ids(t, 1))
	})
}

// TestPauseCostsLittle counts what a stream asks of the server while nothing
// happens: how the run stands, and not its history again and again.
func TestPauseCostsLittle(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		c.pause(true)
		s := g.follow(t, "")
		s.ids(t, 2)
		asked := func(method string) int { return len(g.upstream.Calls(method)) }
		pages, looks := asked("GetWorkflowExecutionHistory"), asked("DescribeWorkflowExecution")
		for range 4 {
			b, err := s.next()
			require.NoError(t, err)
			require.Equal(t, block{"": ""}, b, "a comment every 15 s")
		}
		require.Equal(t, pages, asked("GetWorkflowExecutionHistory"))
		require.InDelta(t, 60, asked("DescribeWorkflowExecution")-looks, 1)
		s.close()
		idle(t, g, c)
	})
}
