package longpoll_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
)

func TestTimeoutsAreLimited(t *testing.T) {
	t.Parallel()
	long := longpoll.New(t.Context(), newFixture(t).client, newFixture(t).metrics, time.Hour)
	short := longpoll.New(t.Context(), newFixture(t).client, newFixture(t).metrics, 10*time.Second)
	for left, want := range map[time.Duration][2]time.Duration{ // timeouts of long and of short, by the time left
		-time.Hour:       {2 * time.Second, 2 * time.Second},
		0:                {2 * time.Second, 2 * time.Second},
		5 * time.Second:  {6 * time.Second, 6 * time.Second},
		10 * time.Second: {11 * time.Second, 10 * time.Second},
		time.Hour:        {22 * time.Second, 10 * time.Second},
	} {
		require.Equal(t, want, [2]time.Duration{long.PollTimeout(left), short.PollTimeout(left)}, left)
	}
	require.Equal(t, 5*time.Second, long.Timeout(5*time.Second))
	require.Equal(t, 2*time.Second, long.Timeout(time.Second))
	require.Equal(t, 10*time.Second, short.Timeout(time.Hour))
}

func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		time.Sleep(300 * time.Millisecond)
		require.NoError(t, longpoll.WaitPollInterval(t.Context(), begin))
		require.Equal(t, time.Second, time.Since(begin))
		require.NoError(t, longpoll.WaitPollInterval(t.Context(), begin.Add(-time.Minute)))
		require.Equal(t, time.Second, time.Since(begin))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, longpoll.WaitPollInterval(ctx, time.Now()), context.Canceled)
	})
}

func TestDrainEndsItsContexts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		drain := longpoll.NewDrain()
		active, stopActive := drain.Context(t.Context())
		stopped, stop := drain.Context(t.Context())
		defer stopActive()
		stop()
		require.ErrorIs(t, context.Cause(stopped), context.Canceled)
		require.NoError(t, active.Err())
		select {
		case <-drain.Done():
			t.Error("the drain has not begun")
		default:
		}
		drain.Begin()
		<-active.Done()
		<-drain.Done()
		require.True(t, problem.Is(context.Cause(active), problem.Draining))
		require.False(t, problem.Is(context.Cause(stopped), problem.Draining))
		late, stopLate := drain.Context(t.Context())
		defer stopLate()
		<-late.Done()
	})
}
