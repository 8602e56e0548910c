package schedule_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestSchedulesAreListedInPagesAndLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("ListSchedules", upstreamtest.Respond(&workflowservice.ListSchedulesResponse{
			Schedules: []*schedule.ScheduleListEntry{{
				ScheduleId: "a/b", Memo: &common.Memo{Fields: map[string]*common.Payload{"m": {Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte("1.10")}}},
				Info: &schedule.ScheduleListInfo{WorkflowType: &common.WorkflowType{Name: "T"}, Notes: "n"},
			}, {ScheduleId: "old"}},
			NextPageToken: []byte("next"),
		}))
		const first = `{"scheduleId":"a/b","schedule":{"action":{"workflowType":"T"},"spec":{},"state":{"note":"n","paused":false}},"info":{},"memo":{"m":1.10}}`
		r := g.Do(t, http.MethodGet, servertest.SchedulesPath+"?query=q&pageSize=2", "")
		require.Equal(t, http.StatusOK, r.Status, r.Body)
		require.Equal(t, `[`+first+`,{"scheduleId":"old"}]`, r.Field(t, "schedules"))
		sent := handlerstest.OnlyRequest[*workflowservice.ListSchedulesRequest](t, g, "ListSchedules")
		require.Equal(t, []any{"q", int32(2)}, []any{sent.GetQuery(), sent.GetMaximumPageSize()})
		token := r.Field(t, "nextPageToken")
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.SchedulesPath+"?query=q&pageToken="+token, "").Status)
		for _, path := range []string{servertest.SchedulesPath + "?query=other&", servertest.WorkflowsPath + "?"} {
			require.Equal(t, "invalid-page-token", g.Do(t, http.MethodGet, path+"pageToken="+token, "").Field(t, "code"))
		}
		lines := g.Do(t, http.MethodGet, servertest.SchedulesPath+"?limit=3&pageSize=2", "", "Accept", "application/x-ndjson")
		require.Equal(t, first+"\n"+`{"scheduleId":"old"}`+"\n"+first+"\n", lines.Body)
	})
}

func TestMatchingTimesAreBetweenTwoTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("ListScheduleMatchingTimes", upstreamtest.InTurn(
			upstreamtest.Respond(&workflowservice.ListScheduleMatchingTimesResponse{StartTime: []*timestamppb.Timestamp{timestamppb.New(time.Unix(0, 5))}}),
			upstreamtest.Respond(&workflowservice.ListScheduleMatchingTimesResponse{}),
		))
		const path = servertest.SchedulesPath + "/s/matching-times?"
		const times = "startTime=1970-01-01T00:00:00Z&endTime=1970-01-02T01:00:00%2B01:00"
		require.Equal(t, "{\"startTimes\":[\"1970-01-01T00:00:00.000000005Z\"]}\n", g.Do(t, http.MethodGet, path+times, "").Body)
		sent := handlerstest.OnlyRequest[*workflowservice.ListScheduleMatchingTimesRequest](t, g, "ListScheduleMatchingTimes")
		require.Equal(t, []int64{0, 24 * 3600}, []int64{sent.GetStartTime().GetSeconds(), sent.GetEndTime().GetSeconds()})
		require.Equal(t, "{\"startTimes\":[]}\n", g.Do(t, http.MethodGet, path+times, "").Body)
		for query, pointer := range map[string]string{
			"startTime=1970-01-01T00:00:00Z":           "?endTime",
			"startTime=1970-01-01T00:00:00Z&endTime=":  "?endTime",
			"startTime=1&endTime=1970-01-01T00:00:00Z": "?startTime",
			times + "&scheduleId=s":                    "?scheduleId",
			times + "&page=1":                          "?page",
		} {
			requireInvalid(t, g.Do(t, http.MethodGet, path+query, ""), pointer)
		}
	})
}
