package schedule_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// Another client can store more ranges than this API accepts. A range has two bytes on the wire and much more in the
// memory of the gateway. Four of these responses fit into the limit as JSON (1.7 MB each), but not while one is decoded.
func TestMemoryIsReservedBeforeAScheduleIsDecoded(t *testing.T) {
	t.Parallel()
	const ranges, limit = 60_000, 8 << 20
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Limits.BytesInFlight.Responses = limit }})
		synctest.Wait()
		seconds := make([]*schedule.Range, ranges)
		for i := range seconds {
			seconds[i] = &schedule.Range{}
		}
		g.Upstream.Handle("DescribeSchedule", upstreamtest.Respond(&workflowservice.DescribeScheduleResponse{Schedule: &schedule.Schedule{
			Spec: &schedule.ScheduleSpec{StructuredCalendar: []*schedule.StructuredCalendarSpec{{Second: seconds}}},
		}}))
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+pathOf("s"), http.NoBody)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+servertest.ReaderKey)
		unread, err := g.Client.Do(request)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, unread.StatusCode)
		response := g.Do(t, http.MethodGet, pathOf("s"), "")
		require.Equal(t, http.StatusServiceUnavailable, response.Status, "%.200s", response.Body)
		require.Equal(t, "overloaded", response.Field(t, "code"))
		response = g.Do(t, http.MethodPatch, pathOf("s"), `{"schedule":{"state":{"note":"n"}}}`)
		require.Equal(t, http.StatusServiceUnavailable, response.Status, "%.200s", response.Body)
		require.NotContains(t, response.Field(t, "detail"), "The call was made")
		require.Empty(t, g.Upstream.Calls("UpdateSchedule"))
		require.NoError(t, unread.Body.Close())
		synctest.Wait()
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, pathOf("s"), "").Status)
	})
}
