package server_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// followers are n streams of one workflow, each asked for in another way, that
// have come to its end.
func followers(t *testing.T, g *gateway, c *fakeChain, n int) []*eventStream {
	t.Helper()
	all := c.ids()
	streams := make([]*eventStream, n)
	for i := range streams {
		streams[i] = g.follow(t, "?pageSize="+strconv.Itoa(1+i%5)+"&payloads="+[]string{"raw", "decoded"}[i%2])
		require.Equal(t, all, streams[i].ids(t, len(all)))
	}
	synctest.Wait()
	return streams
}

func TestStreamsOfOneRunShareOnePoll(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		const n = 100
		c.signal(3)
		streams := followers(t, g, c, n)
		seen := len(c.ids())
		for _, happens := range []func(){
			func() { c.signal(1) }, func() { c.signal(700) }, func() { c.pause(true) }, func() { c.signal(1) }, func() { c.pause(false) },
			c.continueAsNew, func() { c.signal(2) }, c.terminate,
		} {
			time.Sleep(10 * time.Second)
			synctest.Wait()
			require.LessOrEqual(t, c.waiting(), 1, "a run that is paused is not polled")
			require.Contains(t, g.adminText(t, "/metrics"), "flowgate_wait_callers "+strconv.Itoa(n)+"\n")
			require.Contains(t, g.adminText(t, "/metrics"), "flowgate_wait_polls 1\n")
			happens()
			all := c.ids()
			for i, s := range streams {
				require.Equal(t, all[seen:], s.ids(t, len(all)-seen), i)
			}
			seen = len(all)
		}
		for _, s := range streams {
			s.end(t, `{"workflowId":"order","runId":"`+chainRun(2)+`","status":"TERMINATED"}`)
		}
		idle(t, g, c)
	})
}

// TestStreamThatComesLaterCatchesUp joins those who have read on meanwhile.
func TestStreamThatComesLaterCatchesUp(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		first := followers(t, g, c, 1)[0]
		c.signal(1)
		c.task()
		first.ids(t, 1)
		streams := []*eventStream{
			first, g.follow(t, "?pageSize=1"), g.follow(t, "", "Last-Event-ID", c.ids()[0]), g.follow(t, "", "Last-Event-ID", c.ids()[1]),
		}
		require.Equal(t, c.ids(), streams[1].ids(t, 2))
		require.Equal(t, c.ids()[1:], streams[2].ids(t, 1))
		synctest.Wait()
		require.Equal(t, 1, c.waiting())
		c.signal(2)
		c.terminate()
		for _, s := range streams {
			require.Equal(t, c.ids()[2:], s.ids(t, 3))
			s.end(t, `{"workflowId":"order","runId":"`+chainRun(1)+`","status":"TERMINATED"}`)
		}
		idle(t, g, c)
	})
}

func TestStreamsOfTheCloseAloneShareOnePoll(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		const query = "?eventFilterType=CLOSE_EVENT"
		streams := []*eventStream{g.follow(t, query)}
		c.pause(true)
		time.Sleep(5 * time.Second)
		streams = append(streams, g.follow(t, query), g.follow(t, query))
		c.pause(false)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, c.waiting())
		c.terminate()
		all := c.ids()
		for _, s := range streams {
			require.Equal(t, all[len(all)-1:], s.ids(t, 1))
			s.end(t, `{"workflowId":"order","runId":"`+chainRun(1)+`","status":"TERMINATED"}`)
		}
		idle(t, g, c)
	})
}

// TestStreamsOfDifferentCallersDoNotShare: the upstream may show each something else.
func TestStreamsOfDifferentCallersDoNotShare(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		for _, credential := range []string{writerKey, readerKey, otherKey} {
			g.follow(t, "", bearer(credential)...).ids(t, 1)
		}
		g.follow(t, "?eventFilterType=CLOSE_EVENT")
		synctest.Wait()
		require.Equal(t, 3, c.waiting(), "the writer and the reader have the gateway's credential, the other one its own")
	})
}

func TestLastStreamEndsThePoll(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		streams := followers(t, g, c, 3)
		for _, s := range streams {
			synctest.Wait()
			require.Equal(t, 1, c.waiting())
			s.close()
		}
		idle(t, g, c)
		require.Equal(t, c.ids(), g.follow(t, "").ids(t, 1), "and the next one begins anew")
	})
}

func TestFailureOfASharedPollEndsEveryStream(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, c *fakeChain) {
		streams := followers(t, g, c, 3)
		g.upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.Fail(codes.PermissionDenied, "no more"))
		for _, s := range streams {
			s.cut(t)
		}
		idle(t, g, c)
	})
}
