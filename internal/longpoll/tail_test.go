package longpoll_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func allEventsKey() longpoll.HistoryKey {
	return longpoll.HistoryKey{WorkflowID: workflowID, RunID: runID, Filter: enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT}
}

func closeEventKey() longpoll.HistoryKey {
	return longpoll.HistoryKey{WorkflowID: workflowID, RunID: runID, Filter: enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT}
}

// joinTail subscribes a stream that has read the history up to the event lastEventID.
// token is the page token after that event. The tail must not be ahead of the stream.
func (f *fixture) joinTail(t testing.TB, key longpoll.HistoryKey, lastEventID int64, token string) *longpoll.Tail {
	t.Helper()
	tail, catchUp := f.polls.Tails.Join(readerContext(t), key, callOptions(), lastEventID, []byte(token))
	require.NotNil(t, tail)
	require.Equal(t, lastEventID, catchUp)
	return tail
}

// requireNext requires that the next page has the events with the given ids.
func requireNext(t testing.TB, tail *longpoll.Tail, want ...int64) {
	t.Helper()
	events, err := tail.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, ids(t, events))
}

func TestStreamsShareOneTail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		r := f.serveRun()
		r.add(signaled(1), signaled(2))
		tails := []*longpoll.Tail{f.joinTail(t, allEventsKey(), 2, "2"), f.joinTail(t, allEventsKey(), 2, "2"), f.joinTail(t, allEventsKey(), 2, "2")}
		require.EqualValues(t, 1, f.metrics.WaitPolls.Value())
		require.EqualValues(t, 3, f.metrics.WaitCallers.Value())
		r.addAfter(30*time.Second, signaled(3), signaled(4))
		r.addAfter(40*time.Second, completed(""))
		requireNext(t, tails[0], 3, 4)
		requireNext(t, tails[0], 9)      // the id of the close event
		for _, tail := range tails[1:] { // streams that read later receive the same events
			requireNext(t, tail, 3, 4)
			requireNext(t, tail, 9)
		}
		synctest.Wait()
		require.Zero(t, f.metrics.WaitPolls.Value(), "the run has closed")
		for _, tail := range tails {
			tail.Leave()
		}
		require.Len(t, f.server.Calls(getHistory), 3)
		for _, timeout := range f.timeouts(getHistory) {
			require.Equal(t, 22*time.Second, timeout, "the timeout of the fixture's polls")
		}
	})
}

// A tail keeps at most a megabyte of events for a stream that does not read. Each event
// here has 400 KiB.
func TestTailDropsPagesForASlowStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		r := f.serveRun()
		fast, slow := f.joinTail(t, allEventsKey(), 0, ""), f.joinTail(t, allEventsKey(), 0, "")
		for id := range int64(4) {
			event := signaled(id + 1)
			event.GetWorkflowExecutionSignaledEventAttributes().SignalName = strings.Repeat("x", 400<<10)
			r.addAfter(time.Duration(id+1)*10*time.Second, event)
		}
		for id := range int64(4) {
			requireNext(t, fast, id+1)
		}
		_, err := slow.Next(t.Context())
		require.ErrorIs(t, err, longpoll.ErrBehind)
		slow.Leave()
		_, catchUp := f.polls.Tails.Join(readerContext(t), allEventsKey(), callOptions(), 0, nil)
		require.EqualValues(t, 4, catchUp)
		fast.Leave()
	})
}

func TestStreamBehindTheTailCannotJoin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		r := f.serveRun()
		first := f.joinTail(t, allEventsKey(), 0, "")
		defer first.Leave()
		r.add(signaled(1), signaled(2))
		requireNext(t, first, 1, 2)

		behind, catchUp := f.polls.Tails.Join(readerContext(t), allEventsKey(), callOptions(), 1, []byte("1"))
		require.Nil(t, behind)
		require.EqualValues(t, 2, catchUp)
		caughtUp := f.joinTail(t, allEventsKey(), 2, "2")
		defer caughtUp.Leave()
		require.EqualValues(t, 2, f.metrics.WaitCallers.Value())
		r.addAfter(time.Second, signaled(3))
		requireNext(t, caughtUp, 3)
		requireNext(t, first, 3)
	})
}

// A stream that reads only the close event misses nothing if it joins late.
func TestCloseEventStreamIsNeverBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		r := f.serveRun()
		r.paused = true
		r.add(signaled(1))
		first := f.joinTail(t, closeEventKey(), 0, "")
		defer first.Leave()
		requireNext(t, first, 1) // the server returns the last event of a paused run as if it were the close event
		second := f.joinTail(t, closeEventKey(), 0, "")
		defer second.Leave()
		time.AfterFunc(5*time.Second, func() {
			r.change(func() { r.paused, r.events = false, append(r.events, completed("")) })
		})
		requireNext(t, second, 9)
		requireNext(t, first, 9)
	})
}

func TestEventsThatAreNotPersistedAreOmitted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		task := &history.HistoryEvent{EventId: 2, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED}
		page := func(events ...*history.HistoryEvent) upstreamtest.Handler {
			return upstreamtest.Respond(&workflowservice.GetWorkflowExecutionHistoryResponse{
				History: &history.History{Events: events}, NextPageToken: []byte("more"),
			})
		}
		f.server.Handle(getHistory, upstreamtest.InTurn(page(signaled(1), task), page(task), page(signaled(1), signaled(2)), upstreamtest.Hang))
		tail := f.joinTail(t, allEventsKey(), 0, "")
		defer tail.Leave()
		requireNext(t, tail, 1)
		begin := time.Now()
		requireNext(t, tail, 2)
		require.Equal(t, time.Second, time.Since(begin), "after a poll without new events, the next one starts a second later")
		time.Sleep(time.Minute) // polls that reach their deadline must not end the tail
		require.EqualValues(t, 1, f.metrics.WaitPolls.Value())
	})
}

func TestTailWaitsWhileTheRunIsPaused(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]string{"with a token": "1", "without a token": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				r := f.serveRun()
				r.paused = true
				r.add(signaled(1))
				tail := f.joinTail(t, allEventsKey(), 1, token)
				defer tail.Leave()
				r.addAfter(5500*time.Millisecond, signaled(2))
				begin := time.Now()
				requireNext(t, tail, 2)
				require.Equal(t, 6*time.Second, time.Since(begin), "the tail describes a paused run every second")
				time.AfterFunc(3*time.Second, func() { r.change(func() { r.paused = false }) })
				_, err := tail.Next(t.Context())
				require.True(t, problem.Is(err, problem.UpstreamError), "the history ended without a close event although the run is not paused")
			})
		})
	}
}

func TestErrorEndsTheTailOfAllStreams(t *testing.T) {
	t.Parallel()
	truncatedEvent := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType),
		protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte{0x08}))
	notFound := upstreamtest.Fail(codes.NotFound, "workflow not found")
	for name, test := range map[string]struct {
		history, describe upstreamtest.Handler
		lastEventID       int64
		want              problem.Code
	}{
		"history call fails": {history: notFound, want: problem.WorkflowNotFound},
		"unreadable event":   {history: func(context.Context, []byte) ([]byte, error) { return truncatedEvent, nil }, want: problem.UpstreamError},
		"run is not found after the history ended": {
			history: upstreamtest.Respond(&workflowservice.GetWorkflowExecutionHistoryResponse{}), describe: notFound, want: problem.WorkflowNotFound,
		},
		"stream has no token, and run is not found": {lastEventID: 3, describe: notFound, want: problem.WorkflowNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				if test.history != nil {
					f.server.Handle(getHistory, test.history)
				}
				if test.describe != nil {
					f.server.Handle("DescribeWorkflowExecution", test.describe)
				}
				tail := f.joinTail(t, allEventsKey(), test.lastEventID, "")
				defer tail.Leave()
				second := f.joinTail(t, allEventsKey(), test.lastEventID, "")
				defer second.Leave()
				_, err := tail.Next(t.Context())
				require.Equal(t, test.want, problem.Of(err).Code)
				_, again := second.Next(t.Context())
				require.Equal(t, err, again)
				synctest.Wait()
				require.Zero(t, f.metrics.WaitPolls.Value())
			})
		})
	}
}

func TestTailEndsWhenItsOnlyStreamLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.serveRun()
		tail := f.joinTail(t, allEventsKey(), 0, "")
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := tail.Next(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		tail.Leave()
		synctest.Wait()
		require.Zero(t, f.metrics.WaitPolls.Value())
	})
}
