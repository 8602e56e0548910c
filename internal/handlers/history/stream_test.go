package history_test

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
	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const terminatedEnd = `{"workflowId":"order","runId":"0198f3c2-5f0e-7c3a-9d52-000000000003","status":"TERMINATED"}`

// newClosedChain returns a chain of three runs, the last one closed. Its events fill
// several pages.
func newClosedChain(up *upstreamtest.Server) *temporalfake.RunChain {
	c := temporalfake.NewRunChain(up)
	for range 2 {
		c.Signal(4)
		c.ContinueAsNew()
	}
	c.Signal(1)
	c.Terminate()
	return c
}

func TestAStreamSendsEventsInOrderWithoutDelay(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		c.Signal(2)
		s := g.FollowHistory(t, "")
		require.Equal(t, c.EventIDs(), s.ReadIDs(t, 3))
		seen := 3
		for _, addEvents := range []func(){func() { c.Signal(1) }, func() { c.Signal(250) }, c.ContinueAsNew, func() { c.Signal(1) }, c.ContinueAsNew, c.Terminate} {
			time.Sleep(3 * time.Second)
			synctest.Wait()
			require.Equal(t, 1, c.Polls(), "the stream polls for new events")
			addEvents()
			all := c.EventIDs()
			require.Zero(t, servertest.Elapsed(func() { require.Equal(t, all[seen:], s.ReadIDs(t, len(all)-seen)) }), "the events arrive immediately")
			seen = len(all)
		}
		s.RequireEndEvent(t, terminatedEnd)
		require.Contains(t, g.AdminText(t, "/metrics"), `flowgate_in_flight{kind="wait"} 0`)
		require.Contains(t, g.AdminText(t, "/metrics"), `flowgate_in_flight{kind="read"} 0`)
	})
}

func TestStreamResumesAfterAnyEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		c := newClosedChain(g.Upstream)
		all := c.EventIDs()
		firstRun := "runId=" + temporalfake.ChainRunID(1)
		require.Equal(t, all, g.FollowHistory(t, "?"+firstRun).ReadIDs(t, len(all)))
		for i, id := range all[:len(all)-1] {
			s := g.FollowHistory(t, "?pageSize=2&"+firstRun, "Last-Event-ID", id)
			require.Equal(t, all[i+1:], s.ReadIDs(t, len(all)-i-1), id)
			s.RequireEndEvent(t, terminatedEnd)
		}
		lastID := all[len(all)-1]
		for _, resume := range []struct {
			query   string
			headers []string
		}{
			{"", []string{"Last-Event-ID", lastID}},
			{"&lastEventId=" + lastID, nil},
			{"&lastEventId=" + all[0], []string{"Last-Event-ID", lastID}}, // the header takes precedence
		} {
			resp := g.Do(t, http.MethodGet, servertest.HistoryPath+"?"+firstRun+resume.query, "", append([]string{"Accept", "text/event-stream"}, resume.headers...)...)
			require.Equal(t, http.StatusNoContent, resp.Status, resp.Body)
		}
		s := g.FollowHistory(t, "?lastEventId="+all[3])
		require.Equal(t, all[4:], s.ReadIDs(t, len(all)-4), "a stream without runId resumes too")
		require.Contains(t, g.AdminText(t, "/metrics"), `flowgate_in_flight{kind="read"} 0`)
	})
}

func TestWithoutFollowRunsAStreamHasOneRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		c := newClosedChain(g.Upstream)
		all := c.EventIDs()
		s := g.FollowHistory(t, "?followRuns=false&runId="+temporalfake.ChainRunID(1))
		require.Equal(t, all[:6], s.ReadIDs(t, 6))
		s.RequireEndEvent(t, `{"workflowId":"order","runId":"`+temporalfake.ChainRunID(1)+`","status":"CONTINUED_AS_NEW","newRunId":"`+temporalfake.ChainRunID(2)+`"}`)
		resp := g.Do(t, http.MethodGet, servertest.HistoryPath+"?followRuns=false&runId="+temporalfake.ChainRunID(1), "", "Accept", "text/event-stream", "Last-Event-ID", all[5])
		require.Equal(t, http.StatusNoContent, resp.Status)
	})
}

func TestAStreamOfCloseEventsHasNoOtherEvents(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		s := g.FollowHistory(t, "?eventFilterType=CLOSE_EVENT")
		time.Sleep(10 * time.Second)
		c.ContinueAsNew()
		c.Terminate()
		require.Equal(t, []string{temporalfake.ChainRunID(1) + "/2", temporalfake.ChainRunID(2) + "/2"}, s.ReadIDs(t, 2))
		s.RequireEndEvent(t, `{"workflowId":"order","runId":"`+temporalfake.ChainRunID(2)+`","status":"TERMINATED"}`)
		s = g.FollowHistory(t, "?eventFilterType=CLOSE_EVENT", "Last-Event-ID", temporalfake.ChainRunID(1)+"/2")
		require.Equal(t, []string{temporalfake.ChainRunID(2) + "/2"}, s.ReadIDs(t, 1))
	})
}

func TestTransientEventsAreOmitted(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		c.StartTask()
		s := g.FollowHistory(t, "")
		require.Equal(t, c.EventIDs(), s.ReadIDs(t, 1))
		time.Sleep(10 * time.Second)
		c.Signal(1)
		require.Equal(t, c.EventIDs()[1:], s.ReadIDs(t, 1), "the signal has the id that the transient event had")
		c.Change(func(r *temporalfake.Run) { r.AddEvent(enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED) }) // a task whose events are persisted
		require.Equal(t, c.EventIDs()[2:], s.ReadIDs(t, 1))
		c.Terminate()
		require.Equal(t, c.EventIDs()[3:], s.ReadIDs(t, 1))
		resp := g.Do(t, http.MethodGet, servertest.HistoryPath, "", "Accept", "text/event-stream", "Last-Event-ID", temporalfake.ChainRunID(1)+"/5")
		require.Equal(t, http.StatusBadRequest, resp.Status, "there was no such persisted event")
	})
}

// The server's write timeout is shorter than the time between two comments. With HTTP/2,
// it would end a stream that does not extend it.
func TestAStreamWithoutEventsSendsComments(t *testing.T) {
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
	g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Listen.Timeouts.Write = 5 * time.Second }})
	if http2 {
		protocols := &http.Protocols{}
		protocols.SetUnencryptedHTTP2(true)
		transport, ok := g.Client.Transport.(*http.Transport)
		require.True(t, ok)
		transport.Protocols = protocols
	}
	c := temporalfake.NewRunChain(g.Upstream)
	s := g.FollowHistory(t, "")
	require.Equal(t, http2, s.Response.ProtoMajor == 2)
	s.ReadIDs(t, 1)
	for range 20 {
		require.Equal(t, 15*time.Second, servertest.Elapsed(func() {
			b, err := s.Next()
			require.NoError(t, err)
			require.Equal(t, servertest.EventBlock{"": ""}, b)
		}))
	}
	time.Sleep(10 * time.Second)
	c.Signal(1)
	s.ReadIDs(t, 1)
	require.Equal(t, 15*time.Second, servertest.Elapsed(func() { _, _ = s.Next() }), "the next comment is sent 15 s after the last event")
	c.Terminate()
	s.ReadIDs(t, 1)
	s.RequireEndEvent(t, `{"workflowId":"order","runId":"`+temporalfake.ChainRunID(1)+`","status":"TERMINATED"}`)
}

func TestEventIDsThatTheStreamHasNotSentAreRejected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		newClosedChain(g.Upstream)
		for _, position := range []string{
			"x", "/", "/1", temporalfake.ChainRunID(1), temporalfake.ChainRunID(1) + "/", temporalfake.ChainRunID(1) + "/0", temporalfake.ChainRunID(1) + "/-1", temporalfake.ChainRunID(1) + "/+1", temporalfake.ChainRunID(1) + "/01",
			temporalfake.ChainRunID(1) + "/1/1", temporalfake.ChainRunID(1) + "/7", temporalfake.ChainRunID(9) + "/1", temporalfake.ChainRunID(1) + "/99999999999999999999", "0198f3c2x5f0e-7c3a-9d52-000000000001/1",
		} {
			for _, resp := range []servertest.Response{
				g.Do(t, http.MethodGet, servertest.HistoryPath, "", "Accept", "text/event-stream", "Last-Event-ID", position),
				g.Do(t, http.MethodGet, servertest.HistoryPath+"?lastEventId="+strings.ReplaceAll(position, "+", "%2B"), "", "Accept", "text/event-stream"),
			} {
				require.Equal(t, http.StatusBadRequest, resp.Status, position)
				require.Equal(t, "invalid-request", resp.Field(t, "code"), position)
			}
		}
		resp := g.Do(t, http.MethodGet, servertest.HistoryPath+"?followRuns=false&runId="+temporalfake.ChainRunID(1), "", "Accept", "text/event-stream", "Last-Event-ID", temporalfake.ChainRunID(2)+"/1")
		require.Equal(t, http.StatusBadRequest, resp.Status, "the stream does not read the run of the event")
		for _, query := range []string{"?pageToken=x", "?limit=1", "?waitNewEvent=false", "?skipArchival=false", "?pageSize=0", "?payloads=x", "?eventFilterType=x"} {
			require.Equal(t, http.StatusBadRequest, g.Do(t, http.MethodGet, servertest.HistoryPath+query, "", "Accept", "text/event-stream").Status, query)
		}
		for _, query := range []string{"?followRuns=true", "?lastEventId=x"} {
			require.Equal(t, http.StatusBadRequest, g.Do(t, http.MethodGet, servertest.HistoryPath+query, "").Status, query)
		}
		resp = g.Do(t, http.MethodGet, "/v1/namespaces/default/workflows/none/history", "", "Accept", "text/event-stream")
		require.Equal(t, http.StatusNotFound, resp.Status)
		require.Equal(t, "none", resp.Field(t, "workflowId"))
	})
}

func TestAHEADRequestForAStreamReturnsImmediately(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.RunChain) {
		var resp servertest.Response
		require.Zero(t, servertest.Elapsed(func() { resp = g.Do(t, http.MethodHead, servertest.HistoryPath, "", "Accept", "text/event-stream") }))
		require.Equal(t, http.StatusOK, resp.Status)
		require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
		require.Empty(t, resp.Body)
	})
}

func TestFailuresBeforeTheFirstEventAreProblems(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.RunChain) {
		g.Upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.Fail(codes.PermissionDenied, "no"))
		resp := g.Do(t, http.MethodGet, servertest.HistoryPath, "", "Accept", "text/event-stream")
		require.GreaterOrEqual(t, resp.Status, 400)
		require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
	})
}
