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
	updateMethod = "PollWorkflowExecutionUpdate"
	completedAt  = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
)

func updateKey() longpoll.UpdateKey {
	return longpoll.UpdateKey{WorkflowID: workflowID, RunID: runID, UpdateID: "pay", Stage: completedAt}
}

// completesIn serves an update that takes d to complete.
func (f *fixture) completesIn(d time.Duration) {
	f.server.Handle(updateMethod, upstreamtest.Typed(func(
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

func TestEqualWaitsForAnUpdateShareOnePoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.completesIn(5 * time.Second)
		ctx, leave := context.WithTimeout(reader(t), 3*time.Second)
		defer leave()
		var waiting sync.WaitGroup
		waiting.Go(func() {
			_, err := f.polls.Updates.Wait(ctx, updateKey(), inOrders())
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
		for range 10 {
			waiting.Go(func() {
				got, err := f.polls.Updates.Wait(reader(t), updateKey(), inOrders())
				require.NoError(t, err)
				require.Equal(t, completedAt, got.GetStage())
				require.Equal(t, "pay", got.GetUpdateRef().GetUpdateId())
			})
		}
		synctest.Wait()
		require.EqualValues(t, 1, f.metrics.WaitPolls.Value())
		require.Zero(t, f.metrics.WaitCallers.Value(), "the caller of Wait counts itself")
		waiting.Wait()
		require.Equal(t, []time.Duration{22 * time.Second}, f.timeouts(updateMethod))
	})
}

func TestAPollThatReachesItsDeadlineIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.completesIn(time.Hour)
		begin := time.Now()
		_, err := f.polls.Updates.Wait(reader(t), updateKey(), inOrders())
		require.True(t, problem.Is(err, problem.DeadlineExceeded))
		require.Equal(t, 22*time.Second, time.Since(begin))
	})
}

func TestProgressIsReadWithoutSharing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.completesIn(time.Second)
		var waiting sync.WaitGroup
		for range 2 {
			waiting.Go(func() {
				key := updateKey()
				key.Stage = 0
				got, err := f.polls.Updates.Poll(reader(t), key)
				require.NoError(t, err)
				require.Zero(t, got.GetStage())
			})
		}
		waiting.Wait()
		require.Len(t, f.server.Calls(updateMethod), 2)
	})
}
