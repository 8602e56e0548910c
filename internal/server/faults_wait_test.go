package server_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// The first of equal waits starts the poll that they share. The poll must know
// from its begin how long somebody waits: one that believes that nobody does
// rests for two seconds first.
func TestAWaitForAClosedRunIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		newFakeWorkflow(g.upstream).close()
		late := 0
		for range 1000 {
			if elapsed(func() { g.do(t, http.MethodGet, resultPath+"?wait=20s&runId="+runID, "") }) >= time.Second {
				late++
			}
		}
		require.Zero(t, late)
	})
}
