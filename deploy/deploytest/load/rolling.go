package load

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

// betweenRestarts is the time between the restarts of two replicas. An orchestrator that starts several rollouts one
// after the other leaves no more.
const betweenRestarts = 3 * time.Second

// RequireNoLoss restarts two replicas in turn, each twice, while clients of every kind call them through a load balancer.
// No call may fail.
func RequireNoLoss(t *testing.T, l *Load, replicas *deploytest.Replicas) {
	t.Helper()
	l.Start(t)
	l.AwaitProgress(t, 1)
	for i := range 4 {
		replicas.Restart(t, i%2)
		sleep(t.Context(), betweenRestarts)
	}
	l.AwaitProgress(t, 1)
	l.Stop()
	t.Logf("calls during 4 restarts:\n%s", l.Report())
	require.Empty(t, l.Failures())
	for name, n := range l.Counts() {
		require.Positive(t, n, name)
	}
}
