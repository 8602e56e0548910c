package longpoll_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const getHistory = "GetWorkflowExecutionHistory"

// startWait starts a wait for an outcome that lasts for d.
func (f *fixture) startWait(t testing.TB, key longpoll.OutcomeKey, d time.Duration) longpoll.OutcomeWait {
	t.Helper()
	return f.polls.Outcomes.Join(readerContext(t), key, callOptions(), time.Now().Add(d))
}

func TestEqualWaitsShareOnePoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.serveRun().addAfter(30*time.Second, completed(""))
		key := longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID}
		var waits []longpoll.OutcomeWait
		for range 100 {
			waits = append(waits, f.startWait(t, key, time.Minute))
		}
		require.EqualValues(t, 1, f.metrics.WaitPolls.Value())
		require.EqualValues(t, 100, f.metrics.WaitCallers.Value())
		begin := time.Now()
		for _, wait := range waits {
			<-wait.Done()
			closed, err := wait.Result()
			require.NoError(t, err)
			require.Equal(t, longpoll.Run{WorkflowID: workflowID, RunID: runID}, closed.Run)
			wait.Leave()
		}
		require.Equal(t, 30*time.Second, time.Since(begin))
		require.Len(t, f.server.Calls(getHistory), 2, "the server ends each poll after 20 s")
	})
}

func TestDifferentWaitsDoNotShareAPoll(t *testing.T) {
	t.Parallel()
	base := longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID}
	for name, other := range map[string]struct {
		key       longpoll.OutcomeKey
		call      upstream.CallOptions
		principal func(*auth.Principal)
	}{
		"workflow":          {key: longpoll.OutcomeKey{WorkflowID: "order-2", RunID: runID}},
		"run":               {key: longpoll.OutcomeKey{WorkflowID: workflowID}},
		"follow runs":       {key: longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID, FollowRuns: true}},
		"follow reset":      {key: longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID, FollowReset: true}},
		"namespace":         {key: base, call: upstream.CallOptions{Namespace: "payments"}},
		"call metadata":     {key: base, call: upstream.CallOptions{Namespace: namespace, Metadata: metadata.Pairs("tenant", "a")}},
		"caller's metadata": {key: base, principal: func(p *auth.Principal) { p.Metadata = map[string]string{"tenant": "a"} }},
		"delegated token": {key: base, principal: func(p *auth.Principal) {
			p.Capability = &auth.Capability{Namespace: namespace, WorkflowID: workflowID}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.server.Handle(getHistory, upstreamtest.Hang)
				f.server.Handle("DescribeWorkflowExecution", upstreamtest.Hang)
				first := f.startWait(t, base, time.Minute)
				defer first.Leave()
				if other.call.Namespace == "" {
					other.call = callOptions()
				}
				if other.principal == nil {
					other.principal = func(*auth.Principal) {}
				}
				second := f.polls.Outcomes.Join(readerContext(t, other.principal), other.key, other.call, time.Now().Add(time.Minute))
				defer second.Leave()
				require.EqualValues(t, 2, f.metrics.WaitPolls.Value())
			})
		})
	}
}

func TestWaitWithoutARunIDIsForTheCurrentRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.serveRun().addAfter(5*time.Second, completed(""))
		wait := f.startWait(t, longpoll.OutcomeKey{WorkflowID: workflowID}, time.Minute)
		defer wait.Leave()
		require.Equal(t, longpoll.Run{WorkflowID: workflowID}, wait.Run())
		synctest.Wait()
		run := longpoll.Run{WorkflowID: workflowID, RunID: runID, FirstRunID: firstRunID}
		require.Equal(t, run, wait.Run(), "the run is known before it has closed")
		<-wait.Done()
		closed, err := wait.Result()
		require.NoError(t, err)
		require.Equal(t, run, closed.Run)
	})
}

func TestWaitFollowsSuccessors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		key            longpoll.OutcomeKey
		resetID        string // id of the run that a reset started, or empty
		wantRunID      string
		wantNewRunID   string
		wantFirstRunID string
	}{
		"follow nothing": {key: longpoll.OutcomeKey{}, wantRunID: runID, wantNewRunID: nextRunID},
		"follow runs":    {key: longpoll.OutcomeKey{FollowRuns: true}, wantRunID: nextRunID},
		"follow reset":   {key: longpoll.OutcomeKey{FollowReset: true}, resetID: "run-3", wantRunID: "run-3", wantFirstRunID: firstRunID},
		"follow both":    {key: longpoll.OutcomeKey{FollowRuns: true, FollowReset: true}, resetID: "run-3", wantRunID: "run-3", wantFirstRunID: firstRunID},
		"follow reset, but there was none": {
			key: longpoll.OutcomeKey{FollowReset: true}, wantRunID: runID, wantNewRunID: nextRunID, wantFirstRunID: firstRunID,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				r := f.serveRun()
				r.resetID = test.resetID
				r.add(completed(nextRunID))
				f.server.Handle(getHistory, upstreamtest.Typed(func(
					ctx context.Context, request *workflowservice.GetWorkflowExecutionHistoryRequest,
				) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
					if request.GetExecution().GetRunId() != runID { // the successor has no successor itself
						r.change(func() { r.events, r.resetID = []*history.HistoryEvent{completed("")}, "" })
					}
					return r.history(ctx, request)
				}))
				test.key.WorkflowID, test.key.RunID = workflowID, runID
				wait := f.startWait(t, test.key, time.Minute)
				defer wait.Leave()
				<-wait.Done()
				closed, err := wait.Result()
				require.NoError(t, err)
				require.Equal(t, longpoll.Run{WorkflowID: workflowID, RunID: test.wantRunID, FirstRunID: test.wantFirstRunID}, closed.Run)
				require.Equal(t, test.wantNewRunID, closed.NewRunID)
			})
		})
	}
}

func TestPollsStopWhenTheLastWaitEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.serveRun()
		key := longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID}
		short, long := f.startWait(t, key, time.Second), f.startWait(t, key, 50*time.Second)
		defer short.Leave()
		time.Sleep(time.Minute) // the long wait ends after 50 s, and no poll starts after that
		long.Leave()
		// The timeout of a poll is 22 s, or a second more than the longest wait has left. The server ends a poll after
		// 20 s, or a second before its timeout.
		require.Contains(t, [][]time.Duration{
			{22 * time.Second, 22 * time.Second, 11 * time.Second},
			{2 * time.Second, 22 * time.Second, 22 * time.Second, 10 * time.Second}, // if the first poll started before the second caller joined
		}, f.timeouts(getHistory))
	})
}

func TestPollEndsWhenItsLastCallerLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.serveRun()
		key := longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID}
		first, second := f.startWait(t, key, time.Minute), f.startWait(t, key, time.Minute)
		time.Sleep(5 * time.Second)
		first.Leave()
		synctest.Wait()
		require.EqualValues(t, 1, f.metrics.WaitPolls.Value())
		second.Leave()
		synctest.Wait()
		require.Zero(t, f.metrics.WaitPolls.Value())
		_, err := second.Result()
		require.Error(t, err)

		third := f.startWait(t, key, time.Minute) // starts another poll
		synctest.Wait()
		require.EqualValues(t, 1, f.metrics.WaitPolls.Value())
		third.Leave()
	})
}

func TestPollIsRepeatedAfterItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		deadline := upstreamtest.Fail(codes.DeadlineExceeded, "too slow")
		f.server.Handle(getHistory, upstreamtest.InTurn(deadline, deadline, upstreamtest.Respond(
			&workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{Events: []*history.HistoryEvent{completed("")}}},
		)))
		begin := time.Now()
		wait := f.startWait(t, longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID}, time.Minute)
		defer wait.Leave()
		<-wait.Done()
		_, err := wait.Result()
		require.NoError(t, err)
		require.Equal(t, 2*time.Second, time.Since(begin), "a second after each failed poll")
	})
}

func TestErrorsReachEachCaller(t *testing.T) {
	t.Parallel()
	key := longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID, FollowReset: true}
	unknown := &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{Events: []*history.HistoryEvent{{EventId: 9}}}}
	closed := &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{Events: []*history.HistoryEvent{completed("")}}}
	notFound := upstreamtest.Fail(codes.NotFound, "workflow not found")
	for name, test := range map[string]struct {
		key               longpoll.OutcomeKey
		describe, history upstreamtest.Handler
		want              problem.Code
	}{
		"no workflow":                      {key: longpoll.OutcomeKey{WorkflowID: workflowID}, describe: notFound, want: problem.WorkflowNotFound},
		"no run":                           {key: key, history: notFound, want: problem.WorkflowNotFound},
		"unknown event":                    {key: key, history: upstreamtest.Respond(unknown), want: problem.UpstreamError},
		"run is not found after it closed": {key: key, history: upstreamtest.Respond(closed), describe: notFound, want: problem.WorkflowNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				if test.describe != nil {
					f.server.Handle("DescribeWorkflowExecution", test.describe)
				}
				if test.history != nil {
					f.server.Handle(getHistory, test.history)
				}
				for range 2 {
					wait := f.startWait(t, test.key, time.Minute)
					defer wait.Leave()
					<-wait.Done()
					_, err := wait.Result()
					require.Equal(t, test.want, problem.Of(err).Code)
				}
			})
		})
	}
}

func TestPausedRunDoesNotEndTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		r := f.serveRun()
		r.paused = true
		r.add(signaled(3))
		time.AfterFunc(5*time.Second+time.Millisecond, func() { r.change(func() { r.paused = false }) })
		r.addAfter(8*time.Second, completed(""))
		begin := time.Now()
		wait := f.startWait(t, longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID}, time.Minute)
		defer wait.Leave()
		<-wait.Done()
		closed, err := wait.Result()
		require.NoError(t, err)
		require.EqualValues(t, 9, closed.Event.GetEventId())
		require.Equal(t, 8*time.Second, time.Since(begin))
		require.Len(t, f.server.Calls(getHistory), 7, "one poll per second while the run is paused")
	})
}

func TestWaitsEndWithTheBaseContext(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		history upstreamtest.Handler
		check   func(testing.TB, error)
	}{
		"base ends between two calls": {upstreamtest.Fail(codes.DeadlineExceeded, "too slow"), func(t testing.TB, err error) {
			t.Helper()
			require.ErrorIs(t, err, context.Canceled)
		}},
		"base ends during a call": {upstreamtest.Hang, func(t testing.TB, err error) {
			t.Helper()
			require.True(t, problem.Is(err, problem.ClientClosedRequest))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.server.Handle(getHistory, test.history)
				wait := f.startWait(t, longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID}, time.Minute)
				defer wait.Leave()
				time.AfterFunc(1500*time.Millisecond, f.stop)
				f.polls.Close()
				<-wait.Done()
				_, err := wait.Result()
				test.check(t, err)
			})
		})
	}
}

func TestOutcomesReadIsNotShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.serveRun().add(completed(nextRunID))
		run := longpoll.Run{WorkflowID: workflowID, RunID: runID, FirstRunID: firstRunID}
		for range 2 {
			closed, err := f.polls.Outcomes.ReadClosed(readerContext(t), run)
			require.NoError(t, err)
			require.Equal(t, run, closed.Run)
			require.Equal(t, nextRunID, closed.NewRunID)
		}
		require.Len(t, f.server.Calls(getHistory), 2)
		require.Zero(t, f.metrics.WaitPolls.Value())
	})
}
