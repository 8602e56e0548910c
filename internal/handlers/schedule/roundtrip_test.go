package schedule_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/schedule/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/schedule/scheduletest"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// TestGeneratedSchedulesRoundTrip creates schedules, reads them, and replaces each by another one. Each time it reads what
// it has written. It also sends back what it has read. In 100 cases of rapid, 10,000 schedules are written.
func TestGeneratedSchedulesRoundTrip(t *testing.T) {
	t.Parallel()
	pairs := rapid.SliceOfN(rapid.SliceOfN(scheduletest.Schedules(), 2, 2), pairsInCase, pairsInCase)
	rapid.Check(t, func(r *rapid.T) {
		drawn := pairs.Draw(r, "created and replaced")
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			f := newScheduler(g.Upstream)
			for i, pair := range drawn {
				checkRoundTrip(t, g, "s/"+strconv.Itoa(i), pair[0], pair[1])
			}
			checkSendingBack(t, g, f, "s/0")
		})
	})
}

func checkRoundTrip(t *testing.T, g *servertest.Gateway, id string, created, replaced openapi.Schedule) {
	t.Helper()
	response := g.Do(t, http.MethodPost, servertest.SchedulesPath, `{"scheduleId":"`+id+`","schedule":`+encode(t, created)+`}`)
	require.Equal(t, http.StatusCreated, response.Status, response.Body)
	read := g.Do(t, http.MethodGet, response.Header.Get("Location"), "")
	require.Equal(t, encode(t, created), encode(t, described(t, read).Schedule))
	require.Equal(t, response.Header.Get("ETag"), read.Header.Get("ETag"))
	response = g.Do(t, http.MethodPut, pathOf(id), `{"schedule":`+encode(t, replaced)+`}`, "If-Match", read.Header.Get("ETag"))
	require.Equal(t, encode(t, replaced), encode(t, described(t, response).Schedule))
}

// checkSendingBack replaces a schedule by itself. The server then has what it had before, but for the defaults of ranges.
func checkSendingBack(t *testing.T, g *servertest.Gateway, f *scheduler, id string) {
	t.Helper()
	want := f.stored(id)
	read := described(t, g.Do(t, http.MethodGet, pathOf(id), ""))
	require.Equal(t, http.StatusOK, g.Do(t, http.MethodPut, pathOf(id), `{"schedule":`+encode(t, read.Schedule)+`}`).Status)
	got := f.stored(id)
	for _, s := range []*schedule.Schedule{want, got} {
		setDefaults(s)
	}
	require.True(t, proto.Equal(want, got), "%v\n%v", want, got)
}

func encode(t testing.TB, s openapi.Schedule) string {
	t.Helper()
	text, err := convert.Marshal(s)
	require.NoError(t, err)
	return string(text)
}
