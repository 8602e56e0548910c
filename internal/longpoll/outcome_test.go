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

const historyMethod = "GetWorkflowExecutionHistory"

// wait starts a wait for an outcome that lasts for d.
func (f *fixture) wait(t testing.TB, key longpoll.OutcomeKey, d time.Duration) longpoll.OutcomeWait {
	t.Helper()
	return f.polls.Outcomes.Join(reader(t), key, inOrders(), time.Now().Add(d))
}

func TestEqualWaitsShareOnePoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.run().addIn(30*time.Second, completed(""))
		key := longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID}
		var waits []longpoll.OutcomeWait
		for range 100 {
			waits = append(waits, f.wait(t, key, time.Minute))
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
		require.Len(t, f.server.Calls(historyMethod), 2, "slices of 20 s")
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
		"call metadata":     {key: base, call: upstream.CallOptions{Namespace: orders, Metadata: metadata.Pairs("tenant", "a")}},
		"caller's metadata": {key: base, principal: func(p *auth.Principal) { p.Metadata = map[string]string{"tenant": "a"} }},
		"delegated scope": {key: base, principal: func(p *auth.Principal) {
			p.Capability = &auth.Capability{Namespace: orders, WorkflowID: workflowID}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := start(t)
				f.server.Handle(historyMethod, upstreamtest.Hang)
				f.server.Handle("DescribeWorkflowExecution", upstreamtest.Hang)
				first := f.wait(t, base, time.Minute)
				defer first.Leave()
				if other.call.Namespace == "" {
					other.call = inOrders()
				}
				if other.principal == nil {
					other.principal = func(*auth.Principal) {}
				}
				second := f.polls.Outcomes.Join(reader(t, other.principal), other.key, other.call, time.Now().Add(time.Minute))
				defer second.Leave()
				require.EqualValues(t, 2, f.metrics.WaitPolls.Value())
			})
		})
	}
}

func TestAWaitWithoutARunIsForTheCurrentOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.run().addIn(5*time.Second, completed(""))
		wait := f.wait(t, longpoll.OutcomeKey{WorkflowID: workflowID}, time.Minute)
		defer wait.Leave()
		require.Equal(t, longpoll.Run{WorkflowID: workflowID}, wait.Run())
		synctest.Wait()
		run := longpoll.Run{WorkflowID: workflowID, RunID: runID, FirstRunID: firstRunID}
		require.Equal(t, run, wait.Run(), "known before the run has closed")
		<-wait.Done()
		closed, err := wait.Result()
		require.NoError(t, err)
		require.Equal(t, run, closed.Run)
	})
}

func TestAWaitFollowsTheRunsThatSucceed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		key     longpoll.OutcomeKey
		reset   string
		want    string
		newRun  string
		firstID string
	}{
		"no option": {key: longpoll.OutcomeKey{}, want: runID, newRun: nextRunID},
		"runs":      {key: longpoll.OutcomeKey{FollowRuns: true}, want: nextRunID},
		"reset":     {key: longpoll.OutcomeKey{FollowReset: true}, reset: "run-3", want: "run-3", firstID: firstRunID},
		"both":      {key: longpoll.OutcomeKey{FollowRuns: true, FollowReset: true}, reset: "run-3", want: "run-3", firstID: firstRunID},
		"no reset": {
			key: longpoll.OutcomeKey{FollowReset: true}, want: runID, newRun: nextRunID, firstID: firstRunID,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := start(t)
				r := f.run()
				r.reset = test.reset
				r.add(completed(nextRunID))
				f.server.Handle(historyMethod, upstreamtest.Typed(func(
					ctx context.Context, request *workflowservice.GetWorkflowExecutionHistoryRequest,
				) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
					if request.GetExecution().GetRunId() != runID { // the last one
						r.change(func() { r.events, r.reset = []*history.HistoryEvent{completed("")}, "" })
					}
					return r.history(ctx, request)
				}))
				test.key.WorkflowID, test.key.RunID = workflowID, runID
				wait := f.wait(t, test.key, time.Minute)
				defer wait.Leave()
				<-wait.Done()
				closed, err := wait.Result()
				require.NoError(t, err)
				require.Equal(t, longpoll.Run{WorkflowID: workflowID, RunID: test.want, FirstRunID: test.firstID}, closed.Run)
				require.Equal(t, test.newRun, closed.NewRunID)
			})
		})
	}
}

func TestPollTimeoutsFollowTheLastCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.run()
		key := longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID}
		short, long := f.wait(t, key, time.Second), f.wait(t, key, 50*time.Second)
		defer short.Leave()
		time.Sleep(time.Minute) // after the time that the last caller has announced, there are no more calls
		long.Leave()
		require.Contains(t, [][]time.Duration{
			{22 * time.Second, 22 * time.Second, 11 * time.Second},
			{2 * time.Second, 22 * time.Second, 22 * time.Second, 10 * time.Second}, // the first poll started before the second caller joined
		}, f.timeouts(historyMethod))
	})
}

func TestPollsEndWithTheirLastCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.run()
		key := longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID}
		first, second := f.wait(t, key, time.Minute), f.wait(t, key, time.Minute)
		time.Sleep(5 * time.Second)
		first.Leave()
		synctest.Wait()
		require.EqualValues(t, 1, f.metrics.WaitPolls.Value())
		second.Leave()
		synctest.Wait()
		require.Zero(t, f.metrics.WaitPolls.Value())
		_, err := second.Result()
		require.Error(t, err)

		third := f.wait(t, key, time.Minute) // starts another poll
		synctest.Wait()
		require.EqualValues(t, 1, f.metrics.WaitPolls.Value())
		third.Leave()
	})
}

func TestPollsContinueAfterADeadlineOncePerSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		deadline := upstreamtest.Fail(codes.DeadlineExceeded, "too slow")
		f.server.Handle(historyMethod, upstreamtest.InTurn(deadline, deadline, upstreamtest.Respond(
			&workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{Events: []*history.HistoryEvent{completed("")}}},
		)))
		begin := time.Now()
		wait := f.wait(t, longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID}, time.Minute)
		defer wait.Leave()
		<-wait.Done()
		_, err := wait.Result()
		require.NoError(t, err)
		require.Equal(t, 2*time.Second, time.Since(begin))
	})
}

func TestErrorsReachEachCaller(t *testing.T) {
	t.Parallel()
	key := longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID, FollowReset: true}
	unknown := &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{Events: []*history.HistoryEvent{{EventId: 9}}}}
	closed := &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{Events: []*history.HistoryEvent{completed("")}}}
	fails := upstreamtest.Fail(codes.NotFound, "workflow not found")
	for name, test := range map[string]struct {
		key               longpoll.OutcomeKey
		describe, history upstreamtest.Handler
		want              problem.Code
	}{
		"no workflow":     {key: longpoll.OutcomeKey{WorkflowID: workflowID}, describe: fails, want: problem.WorkflowNotFound},
		"no run":          {key: key, history: fails, want: problem.WorkflowNotFound},
		"unknown event":   {key: key, history: upstreamtest.Respond(unknown), want: problem.UpstreamError},
		"reset not found": {key: key, history: upstreamtest.Respond(closed), describe: fails, want: problem.WorkflowNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := start(t)
				if test.describe != nil {
					f.server.Handle("DescribeWorkflowExecution", test.describe)
				}
				if test.history != nil {
					f.server.Handle(historyMethod, test.history)
				}
				for range 2 {
					wait := f.wait(t, test.key, time.Minute)
					defer wait.Leave()
					<-wait.Done()
					_, err := wait.Result()
					require.Equal(t, test.want, problem.Of(err).Code)
				}
			})
		})
	}
}

func TestAPausedRunHasNotClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		r := f.run()
		r.paused = true
		r.add(signaled(3))
		time.AfterFunc(5*time.Second+time.Millisecond, func() { r.change(func() { r.paused = false }) })
		r.addIn(8*time.Second, completed(""))
		begin := time.Now()
		wait := f.wait(t, longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID}, time.Minute)
		defer wait.Leave()
		<-wait.Done()
		closed, err := wait.Result()
		require.NoError(t, err)
		require.EqualValues(t, 9, closed.Event.GetEventId())
		require.Equal(t, 8*time.Second, time.Since(begin))
		require.Len(t, f.server.Calls(historyMethod), 7, "the server responds at once while it is paused")
	})
}

func TestWaitsEndWithTheGateway(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		history upstreamtest.Handler
		check   func(testing.TB, error)
	}{
		"between two calls": {upstreamtest.Fail(codes.DeadlineExceeded, "too slow"), func(t testing.TB, err error) {
			t.Helper()
			require.ErrorIs(t, err, context.Canceled)
		}},
		"in a call": {upstreamtest.Hang, func(t testing.TB, err error) {
			t.Helper()
			require.True(t, problem.Is(err, problem.ClientClosedRequest))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := start(t)
				f.server.Handle(historyMethod, test.history)
				wait := f.wait(t, longpoll.OutcomeKey{WorkflowID: workflowID, RunID: runID}, time.Minute)
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

func TestACloseEventIsReadWithoutSharing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.run().add(completed(nextRunID))
		run := longpoll.Run{WorkflowID: workflowID, RunID: runID, FirstRunID: firstRunID}
		for range 2 {
			closed, err := f.polls.Outcomes.Read(reader(t), run)
			require.NoError(t, err)
			require.Equal(t, run, closed.Run)
			require.Equal(t, nextRunID, closed.NewRunID)
		}
		require.Len(t, f.server.Calls(historyMethod), 2)
		require.Zero(t, f.metrics.WaitPolls.Value())
	})
}
