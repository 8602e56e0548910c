package server_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const terminatedEnd = `{"workflowId":"order","runId":"0198f3c2-5f0e-7c3a-9d52-000000000003","status":"TERMINATED"}`

// threeRuns is a chain that has closed, of events enough for several pages.
func threeRuns(up *upstreamtest.Server) *fakeChain {
	c := newFakeChain(up)
	for range 2 {
		c.signal(4)
		c.continueAsNew()
	}
	c.signal(1)
	c.terminate()
	return c
}

func TestEventsComeInOrderAsTheyHappen(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		c.signal(2)
		s := g.follow(t, "")
		require.Equal(t, c.ids(), s.ids(t, 3))
		seen := 3
		for _, happens := range []func(){func() { c.signal(1) }, func() { c.signal(250) }, c.continueAsNew, func() { c.signal(1) }, c.continueAsNew, c.terminate} {
			time.Sleep(3 * time.Second)
			synctest.Wait()
			require.Equal(t, 1, c.waiting(), "it waits for what comes")
			happens()
			all := c.ids()
			require.Zero(t, elapsed(func() { require.Equal(t, all[seen:], s.ids(t, len(all)-seen)) }), "at once")
			seen = len(all)
		}
		s.end(t, terminatedEnd)
		require.Contains(t, g.adminText(t, "/metrics"), `flowgate_in_flight{kind="wait"} 0`)
		require.Contains(t, g.adminText(t, "/metrics"), `flowgate_in_flight{kind="read"} 0`)
	})
}

func TestEventsGoOnAfterAnyOfThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		c := threeRuns(g.upstream)
		all := c.ids()
		first := "runId=" + chainRun(1)
		require.Equal(t, all, g.follow(t, "?"+first).ids(t, len(all)))
		for i, id := range all[:len(all)-1] {
			s := g.follow(t, "?pageSize=2&"+first, "Last-Event-ID", id)
			require.Equal(t, all[i+1:], s.ids(t, len(all)-i-1), id)
			s.end(t, terminatedEnd)
		}
		for _, by := range [][]string{{"", "Last-Event-ID"}, {"&lastEventId=" + all[len(all)-1], "None"}, {"&lastEventId=" + all[0], "Last-Event-ID"}} {
			a := g.do(t, http.MethodGet, eventsPath+"?"+first+by[0], "", "Accept", "text/event-stream", by[1], all[len(all)-1])
			require.Equal(t, http.StatusNoContent, a.status, a.body)
		}
		s := g.follow(t, "?lastEventId="+all[3])
		require.Equal(t, all[4:], s.ids(t, len(all)-4), "without a run, too")
		require.Contains(t, g.adminText(t, "/metrics"), `flowgate_in_flight{kind="read"} 0`)
	})
}

func TestOneRunIsFollowedWhenAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		c := threeRuns(g.upstream)
		all := c.ids()
		s := g.follow(t, "?followRuns=false&runId="+chainRun(1))
		require.Equal(t, all[:6], s.ids(t, 6))
		s.end(t, `{"workflowId":"order","runId":"`+chainRun(1)+`","status":"CONTINUED_AS_NEW","newRunId":"`+chainRun(2)+`"}`)
		a := g.do(t, http.MethodGet, eventsPath+"?followRuns=false&runId="+chainRun(1), "", "Accept", "text/event-stream", "Last-Event-ID", all[5])
		require.Equal(t, http.StatusNoContent, a.status)
	})
}

func TestCloseEventsAlone(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		s := g.follow(t, "?eventFilterType=CLOSE_EVENT")
		time.Sleep(10 * time.Second)
		c.continueAsNew()
		c.terminate()
		require.Equal(t, []string{chainRun(1) + "/2", chainRun(2) + "/2"}, s.ids(t, 2))
		s.end(t, `{"workflowId":"order","runId":"`+chainRun(2)+`","status":"TERMINATED"}`)
		s = g.follow(t, "?eventFilterType=CLOSE_EVENT", "Last-Event-ID", chainRun(1)+"/2")
		require.Equal(t, []string{chainRun(2) + "/2"}, s.ids(t, 1))
	})
}

func TestEventsThatMayNotStayAreLeftOut(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		c.task()
		s := g.follow(t, "")
		require.Equal(t, c.ids(), s.ids(t, 1))
		time.Sleep(10 * time.Second)
		c.signal(1)
		require.Equal(t, c.ids()[1:], s.ids(t, 1), "it has the id that the task's event had")
		c.change(func(r *fakeRun) { r.add(enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED) }) // a task that is there to stay
		require.Equal(t, c.ids()[2:], s.ids(t, 1))
		c.terminate()
		require.Equal(t, c.ids()[3:], s.ids(t, 1))
		a := g.do(t, http.MethodGet, eventsPath, "", "Accept", "text/event-stream", "Last-Event-ID", chainRun(1)+"/5")
		require.Equal(t, http.StatusBadRequest, a.status, "no event has had it")
	})
}

// TestSilenceIsFilledWithComments has a bound on writes that is shorter than the
// silence, which HTTP/2 would end a stream by.
func TestSilenceIsFilledWithComments(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { requireComments(t, http2) })
		})
	}
}

func requireComments(t *testing.T, http2 bool) {
	t.Helper()
	g := start(t, startOptions{configure: func(cfg *config.Config) { cfg.Listen.Timeouts.Write = 5 * time.Second }})
	if http2 {
		protocols := &http.Protocols{}
		protocols.SetUnencryptedHTTP2(true)
		transport, ok := g.client.Transport.(*http.Transport)
		require.True(t, ok)
		transport.Protocols = protocols
	}
	c := newFakeChain(g.upstream)
	s := g.follow(t, "")
	require.Equal(t, http2, s.response.ProtoMajor == 2)
	s.ids(t, 1)
	for range 20 {
		require.Equal(t, 15*time.Second, elapsed(func() {
			b, err := s.next()
			require.NoError(t, err)
			require.Equal(t, block{"": ""}, b)
		}))
	}
	time.Sleep(10 * time.Second)
	c.signal(1)
	s.ids(t, 1)
	require.Equal(t, 15*time.Second, elapsed(func() { _, _ = s.next() }), "counted from the last event")
	c.terminate()
	s.ids(t, 1)
	s.end(t, `{"workflowId":"order","runId":"`+chainRun(1)+`","status":"TERMINATED"}`)
}

func TestPositionsOfNoEventAreRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		threeRuns(g.upstream)
		for _, position := range []string{
			"x", "/", "/1", chainRun(1), chainRun(1) + "/", chainRun(1) + "/0", chainRun(1) + "/-1", chainRun(1) + "/+1", chainRun(1) + "/01",
			chainRun(1) + "/1/1", chainRun(1) + "/7", chainRun(9) + "/1", chainRun(1) + "/99999999999999999999", "0198f3c2x5f0e-7c3a-9d52-000000000001/1",
		} {
			for _, a := range []answered{
				g.do(t, http.MethodGet, eventsPath, "", "Accept", "text/event-stream", "Last-Event-ID", position),
				g.do(t, http.MethodGet, eventsPath+"?lastEventId="+strings.ReplaceAll(position, "+", "%2B"), "", "Accept", "text/event-stream"),
			} {
				require.Equal(t, http.StatusBadRequest, a.status, position)
				require.Equal(t, "invalid-request", a.field(t, "code"), position)
			}
		}
		a := g.do(t, http.MethodGet, eventsPath+"?followRuns=false&runId="+chainRun(1), "", "Accept", "text/event-stream", "Last-Event-ID", chainRun(2)+"/1")
		require.Equal(t, http.StatusBadRequest, a.status, "another run than the one that is followed")
		for _, query := range []string{"?pageToken=x", "?limit=1", "?waitNewEvent=false", "?skipArchival=false", "?pageSize=0", "?payloads=x", "?eventFilterType=x"} {
			require.Equal(t, http.StatusBadRequest, g.do(t, http.MethodGet, eventsPath+query, "", "Accept", "text/event-stream").status, query)
		}
		for _, query := range []string{"?followRuns=true", "?lastEventId=x"} {
			require.Equal(t, http.StatusBadRequest, g.do(t, http.MethodGet, eventsPath+query, "").status, query)
		}
		a = g.do(t, http.MethodGet, "/v1/namespaces/default/workflows/none/history", "", "Accept", "text/event-stream")
		require.Equal(t, http.StatusNotFound, a.status)
		require.Equal(t, "none", a.field(t, "workflowId"))
	})
}

func TestHeadOfAStreamEndsAtOnce(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, _ *fakeChain) {
		var a answered
		require.Zero(t, elapsed(func() { a = g.do(t, http.MethodHead, eventsPath, "", "Accept", "text/event-stream") }))
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, "text/event-stream", a.header.Get("Content-Type"))
		require.Empty(t, a.body)
	})
}

func TestFailuresBeforeTheFirstEventAreProblems(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, _ *fakeChain) {
		g.upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.Fail(codes.PermissionDenied, "no"))
		a := g.do(t, http.MethodGet, eventsPath, "", "Accept", "text/event-stream")
		require.GreaterOrEqual(t, a.status, 400)
		require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	})
}
