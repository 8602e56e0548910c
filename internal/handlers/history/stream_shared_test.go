package history_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// openStreams opens n streams of one workflow, with different parameters, and reads all
// existing events from each.
func openStreams(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain, n int) []*servertest.EventStream {
	t.Helper()
	all := c.EventIDs()
	streams := make([]*servertest.EventStream, n)
	for i := range streams {
		streams[i] = g.FollowHistory(t, "?pageSize="+strconv.Itoa(1+i%5)+"&payloads="+[]string{"raw", "decoded"}[i%2])
		require.Equal(t, all, streams[i].ReadIDs(t, len(all)))
	}
	synctest.Wait()
	return streams
}

func TestStreamsOfOneRunShareOnePoll(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		const n = 100
		c.Signal(3)
		streams := openStreams(t, g, c, n)
		seen := len(c.EventIDs())
		for _, addEvents := range []func(){
			func() { c.Signal(1) }, func() { c.Signal(700) }, func() { c.SetPaused(true) }, func() { c.Signal(1) }, func() { c.SetPaused(false) },
			c.ContinueAsNew, func() { c.Signal(2) }, c.Terminate,
		} {
			time.Sleep(10 * time.Second)
			synctest.Wait()
			require.LessOrEqual(t, c.Polls(), 1, "at most one poll: none while the run is paused")
			require.Contains(t, g.AdminText(t, "/metrics"), "flowgate_wait_callers "+strconv.Itoa(n)+"\n")
			require.Contains(t, g.AdminText(t, "/metrics"), "flowgate_wait_polls 1\n")
			addEvents()
			all := c.EventIDs()
			for i, s := range streams {
				require.Equal(t, all[seen:], s.ReadIDs(t, len(all)-seen), i)
			}
			seen = len(all)
		}
		for _, s := range streams {
			s.RequireEndEvent(t, `{"workflowId":"order","runId":"`+temporalfake.ChainRunID(2)+`","status":"TERMINATED"}`)
		}
		requireIdle(t, g, c)
	})
}

// The tail drops events that the slow stream has not read. The stream then fetches them.
func TestAStreamThatFallsBehindTheTailMissesNoEvent(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		streams := openStreams(t, g, c, 2)
		fast, slow := streams[0], streams[1]
		seen := len(c.EventIDs())
		slowSeen := seen
		for range 8 {
			time.Sleep(time.Second)
			c.Change(func(r *temporalfake.Run) {
				r.AddEvent(enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED).Attributes = &history.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
					WorkflowExecutionSignaledEventAttributes: &history.WorkflowExecutionSignaledEventAttributes{SignalName: strings.Repeat("x", 600<<10)},
				}
			})
			all := c.EventIDs()
			require.Equal(t, all[seen:], fast.ReadIDs(t, len(all)-seen))
			seen = len(all)
		}
		all := c.EventIDs()
		require.Equal(t, all[slowSeen:], slow.ReadIDs(t, len(all)-slowSeen))
		c.Terminate()
		for _, s := range streams {
			s.ReadIDs(t, 1)
			s.RequireEndEvent(t, `{"workflowId":"order","runId":"`+temporalfake.ChainRunID(1)+`","status":"TERMINATED"}`)
		}
		requireIdle(t, g, c)
	})
}

// A stream that begins later fetches the existing events, and then shares the poll of the
// other streams.
func TestALaterStreamJoinsTheSharedPoll(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		first := openStreams(t, g, c, 1)[0]
		c.Signal(1)
		c.StartTask()
		first.ReadIDs(t, 1)
		streams := []*servertest.EventStream{
			first, g.FollowHistory(t, "?pageSize=1"), g.FollowHistory(t, "", "Last-Event-ID", c.EventIDs()[0]), g.FollowHistory(t, "", "Last-Event-ID", c.EventIDs()[1]),
		}
		require.Equal(t, c.EventIDs(), streams[1].ReadIDs(t, 2))
		require.Equal(t, c.EventIDs()[1:], streams[2].ReadIDs(t, 1))
		synctest.Wait()
		require.Equal(t, 1, c.Polls())
		c.Signal(2)
		c.Terminate()
		for _, s := range streams {
			require.Equal(t, c.EventIDs()[2:], s.ReadIDs(t, 3))
			s.RequireEndEvent(t, `{"workflowId":"order","runId":"`+temporalfake.ChainRunID(1)+`","status":"TERMINATED"}`)
		}
		requireIdle(t, g, c)
	})
}

func TestStreamsOfTheCloseEventShareOnePoll(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		const query = "?eventFilterType=CLOSE_EVENT"
		streams := []*servertest.EventStream{g.FollowHistory(t, query)}
		c.SetPaused(true)
		time.Sleep(5 * time.Second)
		streams = append(streams, g.FollowHistory(t, query), g.FollowHistory(t, query))
		c.SetPaused(false)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, c.Polls())
		c.Terminate()
		all := c.EventIDs()
		for _, s := range streams {
			require.Equal(t, all[len(all)-1:], s.ReadIDs(t, 1))
			s.RequireEndEvent(t, `{"workflowId":"order","runId":"`+temporalfake.ChainRunID(1)+`","status":"TERMINATED"}`)
		}
		requireIdle(t, g, c)
	})
}

// Temporal may respond differently to each credential.
func TestStreamsWithDifferentUpstreamCredentialsDoNotShareAPoll(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		for _, credential := range []string{servertest.WriterKey, servertest.ReaderKey, servertest.OwnCredentialKey} {
			g.FollowHistory(t, "", servertest.Bearer(credential)...).ReadIDs(t, 1)
		}
		g.FollowHistory(t, "?eventFilterType=CLOSE_EVENT")
		synctest.Wait()
		require.Equal(t, 3, c.Polls(), "one for the writer and the reader, which use the gateway's credential; one for the third caller; one for the close event")
	})
}

func TestThePollEndsWithItsLastStream(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		streams := openStreams(t, g, c, 3)
		for _, s := range streams {
			synctest.Wait()
			require.Equal(t, 1, c.Polls())
			s.Close()
		}
		requireIdle(t, g, c)
		require.Equal(t, c.EventIDs(), g.FollowHistory(t, "").ReadIDs(t, 1), "the next stream starts a new poll")
	})
}

func TestAFailedSharedPollEndsEveryStream(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, c *temporalfake.RunChain) {
		streams := openStreams(t, g, c, 3)
		g.Upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.Fail(codes.PermissionDenied, "no more"))
		for _, s := range streams {
			s.RequireAborted(t)
		}
		requireIdle(t, g, c)
	})
}
