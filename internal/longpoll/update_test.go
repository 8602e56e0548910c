package longpoll_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const (
	pollUpdate     = "PollWorkflowExecutionUpdate"
	completedStage = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
)

func updateKey() longpoll.UpdateKey {
	return longpoll.UpdateKey{WorkflowID: workflowID, RunID: runID, UpdateID: "pay", Stage: completedStage}
}

// serveUpdate makes the fake server serve an update of which each poll lasts for d.
func (f *fixture) serveUpdate(d time.Duration) {
	f.server.Handle(pollUpdate, upstreamtest.Typed(func(
		ctx context.Context, request *workflowservice.PollWorkflowExecutionUpdateRequest,
	) (*workflowservice.PollWorkflowExecutionUpdateResponse, error) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return &workflowservice.PollWorkflowExecutionUpdateResponse{
			Stage: request.GetWaitPolicy().GetLifecycleStage(), UpdateRef: request.GetUpdateRef(),
		}, nil
	}))
}

func TestEqualUpdateWaitsShareOnePoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.serveUpdate(5 * time.Second)
		ctx, leave := context.WithTimeout(readerContext(t), 3*time.Second)
		defer leave()
		var waiting sync.WaitGroup
		waiting.Go(func() {
			_, err := f.polls.Updates.Wait(ctx, updateKey(), callOptions())
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
		for range 10 {
			waiting.Go(func() {
				got, err := f.polls.Updates.Wait(readerContext(t), updateKey(), callOptions())
				require.NoError(t, err)
				require.Equal(t, completedStage, got.GetStage())
				require.Equal(t, "pay", got.GetUpdateRef().GetUpdateId())
			})
		}
		synctest.Wait()
		require.EqualValues(t, 1, f.metrics.WaitPolls.Value())
		require.Zero(t, f.metrics.WaitCallers.Value(), "Updates must not count its callers: the client API does")
		waiting.Wait()
		require.Equal(t, []time.Duration{22 * time.Second}, f.timeouts(pollUpdate), "the timeout of the fixture's polls")
	})
}

func TestUpdatePollReturnsDeadlineExceeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.serveUpdate(time.Hour)
		begin := time.Now()
		_, err := f.polls.Updates.Wait(readerContext(t), updateKey(), callOptions())
		require.True(t, problem.Is(err, problem.DeadlineExceeded))
		require.Equal(t, 22*time.Second, time.Since(begin), "the timeout of the fixture's polls")
	})
}

// Unlike Wait, Poll makes a call of its own.
func TestUpdatesPollIsNotShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.serveUpdate(time.Second)
		var waiting sync.WaitGroup
		for range 2 {
			waiting.Go(func() {
				key := updateKey()
				key.Stage = 0
				got, err := f.polls.Updates.Poll(readerContext(t), key)
				require.NoError(t, err)
				require.Zero(t, got.GetStage())
			})
		}
		waiting.Wait()
		require.Len(t, f.server.Calls(pollUpdate), 2)
	})
}
