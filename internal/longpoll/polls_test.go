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

func TestTimeoutsOfSlices(t *testing.T) {
	t.Parallel()
	long := longpoll.New(t.Context(), start(t).client, start(t).metrics, time.Hour)
	short := longpoll.New(t.Context(), start(t).client, start(t).metrics, 10*time.Second)
	for left, want := range map[time.Duration][2]time.Duration{
		-time.Hour:       {2 * time.Second, 2 * time.Second},
		0:                {2 * time.Second, 2 * time.Second},
		5 * time.Second:  {6 * time.Second, 6 * time.Second},
		10 * time.Second: {11 * time.Second, 10 * time.Second},
		time.Hour:        {22 * time.Second, 10 * time.Second},
	} {
		require.Equal(t, want, [2]time.Duration{long.SliceTimeout(left), short.SliceTimeout(left)}, left)
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
		require.NoError(t, longpoll.Pace(t.Context(), begin))
		require.Equal(t, time.Second, time.Since(begin))
		require.NoError(t, longpoll.Pace(t.Context(), begin.Add(-time.Minute)))
		require.Equal(t, time.Second, time.Since(begin))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, longpoll.Pace(ctx, time.Now()), context.Canceled)
	})
}

func TestDrainEndsContexts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		drain := longpoll.NewDrain()
		kept, end := drain.Context(t.Context())
		ended, stop := drain.Context(t.Context())
		defer end()
		stop()
		require.ErrorIs(t, context.Cause(ended), context.Canceled)
		require.NoError(t, kept.Err())
		select {
		case <-drain.Done():
			t.Error("the drain has not begun")
		default:
		}
		drain.Begin()
		<-kept.Done()
		<-drain.Done()
		require.True(t, problem.Is(context.Cause(kept), problem.Draining))
		require.False(t, problem.Is(context.Cause(ended), problem.Draining))
		late, end2 := drain.Context(t.Context())
		defer end2()
		<-late.Done()
	})
}
