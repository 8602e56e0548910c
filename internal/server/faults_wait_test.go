package server_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

// A shared poll without callers pauses for two seconds. The first caller must be registered before the poll starts, or
// the pause would delay the response to that caller.
func TestAWaitForAClosedRunReturnsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		temporalfake.NewWorkflow(g.Upstream).Complete()
		late := 0
		for range 1000 {
			if servertest.Elapsed(func() { g.Do(t, http.MethodGet, servertest.ResultPath+"?wait=20s&runId="+temporalfake.RunID, "") }) >= time.Second {
				late++
			}
		}
		require.Zero(t, late)
	})
}
