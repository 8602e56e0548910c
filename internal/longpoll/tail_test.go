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

func allEvents() longpoll.HistoryKey {
	return longpoll.HistoryKey{WorkflowID: workflowID, RunID: runID, Filter: enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT}
}

func closeEvent() longpoll.HistoryKey {
	return longpoll.HistoryKey{WorkflowID: workflowID, RunID: runID, Filter: enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT}
}

// tail subscribes a stream that has read up to an event.
func (f *fixture) tail(t testing.TB, key longpoll.HistoryKey, lastEventID int64, token string) *longpoll.Tail {
	t.Helper()
	tail, catchUp := f.polls.Tails.Join(reader(t), key, inOrders(), lastEventID, []byte(token))
	require.NotNil(t, tail)
	require.Equal(t, lastEventID, catchUp)
	return tail
}

func requireNext(t testing.TB, tail *longpoll.Tail, want ...int64) {
	t.Helper()
	events, err := tail.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, ids(t, events))
}

func TestStreamsShareOneTail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		r := f.run()
		r.add(signaled(1), signaled(2))
		tails := []*longpoll.Tail{f.tail(t, allEvents(), 2, "2"), f.tail(t, allEvents(), 2, "2"), f.tail(t, allEvents(), 2, "2")}
		require.EqualValues(t, 1, f.metrics.WaitPolls.Value())
		require.EqualValues(t, 3, f.metrics.WaitCallers.Value())
		r.addIn(30*time.Second, signaled(3), signaled(4))
		r.addIn(40*time.Second, completed(""))
		requireNext(t, tails[0], 3, 4)
		requireNext(t, tails[0], 9)
		for _, tail := range tails[1:] { // slow streams receive the same events
			requireNext(t, tail, 3, 4)
			requireNext(t, tail, 9)
		}
		synctest.Wait()
		require.Zero(t, f.metrics.WaitPolls.Value(), "the run has closed")
		for _, tail := range tails {
			tail.Leave()
		}
		require.Len(t, f.server.Calls(historyMethod), 3)
		for _, timeout := range f.timeouts(historyMethod) {
			require.Equal(t, 22*time.Second, timeout)
		}
	})
}

// The tail keeps at most a megabyte of events for a stream that does not read.
func TestTailDropsPagesForASlowStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		r := f.run()
		fast, slow := f.tail(t, allEvents(), 0, ""), f.tail(t, allEvents(), 0, "")
		for id := range int64(4) {
			event := signaled(id + 1)
			event.GetWorkflowExecutionSignaledEventAttributes().SignalName = strings.Repeat("x", 400<<10)
			r.addIn(time.Duration(id+1)*10*time.Second, event)
		}
		for id := range int64(4) {
			requireNext(t, fast, id+1)
		}
		_, err := slow.Next(t.Context())
		require.ErrorIs(t, err, longpoll.ErrBehind)
		slow.Leave()
		_, catchUp := f.polls.Tails.Join(reader(t), allEvents(), inOrders(), 0, nil)
		require.EqualValues(t, 4, catchUp)
		fast.Leave()
	})
}

func TestAStreamBehindTheTailMustCatchUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		r := f.run()
		first := f.tail(t, allEvents(), 0, "")
		defer first.Leave()
		r.add(signaled(1), signaled(2))
		requireNext(t, first, 1, 2)

		behind, catchUp := f.polls.Tails.Join(reader(t), allEvents(), inOrders(), 1, []byte("1"))
		require.Nil(t, behind)
		require.EqualValues(t, 2, catchUp)
		caughtUp := f.tail(t, allEvents(), 2, "2")
		defer caughtUp.Leave()
		require.EqualValues(t, 2, f.metrics.WaitCallers.Value())
		r.addIn(time.Second, signaled(3))
		requireNext(t, caughtUp, 3)
		requireNext(t, first, 3)
	})
}

func TestAStreamOfTheCloseEventIsNeverBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		r := f.run()
		r.paused = true
		r.add(signaled(1))
		first := f.tail(t, closeEvent(), 0, "")
		defer first.Leave()
		requireNext(t, first, 1) // the server treats a paused run as closed
		second := f.tail(t, closeEvent(), 0, "")
		defer second.Leave()
		time.AfterFunc(5*time.Second, func() {
			r.change(func() { r.paused, r.events = false, append(r.events, completed("")) })
		})
		requireNext(t, second, 9)
		requireNext(t, first, 9)
	})
}

func TestTransientEventsAreOmitted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		task := &history.HistoryEvent{EventId: 2, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED}
		page := func(events ...*history.HistoryEvent) upstreamtest.Handler {
			return upstreamtest.Respond(&workflowservice.GetWorkflowExecutionHistoryResponse{
				History: &history.History{Events: events}, NextPageToken: []byte("more"),
			})
		}
		f.server.Handle(historyMethod, upstreamtest.InTurn(page(signaled(1), task), page(task), page(signaled(1), signaled(2)), upstreamtest.Hang))
		tail := f.tail(t, allEvents(), 0, "")
		defer tail.Leave()
		requireNext(t, tail, 1)
		begin := time.Now()
		requireNext(t, tail, 2)
		require.Equal(t, time.Second, time.Since(begin), "polls without new events are paced")
		time.Sleep(time.Minute) // the deadlines of polls do not end the tail
		require.EqualValues(t, 1, f.metrics.WaitPolls.Value())
	})
}

func TestATailWaitsForAPausedRun(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]string{"with a token": "1", "without a token": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := start(t)
				r := f.run()
				r.paused = true
				r.add(signaled(1))
				tail := f.tail(t, allEvents(), 1, token)
				defer tail.Leave()
				r.addIn(5500*time.Millisecond, signaled(2))
				begin := time.Now()
				requireNext(t, tail, 2)
				require.Equal(t, 6*time.Second, time.Since(begin), "the tail polls every second")
				time.AfterFunc(3*time.Second, func() { r.change(func() { r.paused = false }) })
				_, err := tail.Next(t.Context())
				require.True(t, problem.Is(err, problem.UpstreamError), "a history that ends without a close event, of a run that is not paused")
			})
		})
	}
}

func TestErrorsReachAllStreams(t *testing.T) {
	t.Parallel()
	broken := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType),
		protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte{0x08}))
	fails := upstreamtest.Fail(codes.NotFound, "workflow not found")
	for name, test := range map[string]struct {
		history, describe upstreamtest.Handler
		lastEventID       int64
		want              problem.Code
	}{
		"call":             {history: fails, want: problem.WorkflowNotFound},
		"unreadable event": {history: func(context.Context, []byte) ([]byte, error) { return broken, nil }, want: problem.UpstreamError},
		"paused, then gone": {
			history: upstreamtest.Respond(&workflowservice.GetWorkflowExecutionHistoryResponse{}), describe: fails, want: problem.WorkflowNotFound,
		},
		"no token, and gone": {lastEventID: 3, describe: fails, want: problem.WorkflowNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := start(t)
				if test.history != nil {
					f.server.Handle(historyMethod, test.history)
				}
				if test.describe != nil {
					f.server.Handle("DescribeWorkflowExecution", test.describe)
				}
				tail := f.tail(t, allEvents(), test.lastEventID, "")
				defer tail.Leave()
				second := f.tail(t, allEvents(), test.lastEventID, "")
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

func TestAStreamLeavesWhileItWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.run()
		tail := f.tail(t, allEvents(), 0, "")
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := tail.Next(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		tail.Leave()
		synctest.Wait()
		require.Zero(t, f.metrics.WaitPolls.Value())
	})
}
