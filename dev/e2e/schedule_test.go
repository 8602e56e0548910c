package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

const everySecond = `"spec":{"intervals":[{"every":"1s"}]}`

func TestScheduleFires(t *testing.T) {
	t.Parallel()
	result := `"args":[{"price":1.10}]`
	id := createSchedule(t, scheduledAction("Echo", newID(t), result), everySecond)
	d := awaitSchedule(t, id, "three actions", func(d scheduleDescription) bool { return d.Info.NumActions >= 3 })
	require.NotEmpty(t, d.Info.NextActionTimes)
	action := d.Info.RecentActions[0]
	require.Equal(t, action.ScheduledAt.Truncate(time.Second), action.ScheduledAt)
	run := workflowPath(action.WorkflowID, "/result", runIDQuery(action.FirstExecutionRunID), "&wait=30s")
	o := as[outcome](t, writer().get(t, run).expect(t, http.StatusOK))
	require.Equal(t, []string{"COMPLETED", `[{"price":1.10}]`}, []string{o.Status, string(o.Result)})
	query := "?query=" + url.QueryEscape(`TemporalScheduledById = "`+id+`"`)
	e2etest.Eventually(t, "the list has the runs", func() bool {
		list := string(writer().get(t, workflows+query).expect(t, http.StatusOK).body)
		return strings.Contains(list, action.FirstExecutionRunID)
	})
}

// TestPauseStopsASchedule compares a paused schedule with one that goes on.
func TestPauseStopsASchedule(t *testing.T) {
	t.Parallel()
	id := createSchedule(t, scheduledAction("Echo", newID(t)), everySecond)
	other := createSchedule(t, scheduledAction("Echo", newID(t)), everySecond)
	awaitSchedule(t, id, "an action", func(d scheduleDescription) bool { return d.Info.NumActions > 0 })
	writer().with("Idempotency-Key", newID(t)).post(t, schedulePath(id, "/pause"), `{"note":"lunch"}`).expect(t, http.StatusNoContent)
	paused := describeSchedule(t, id)
	require.Equal(t, []any{true, "lunch"}, []any{paused.Schedule.State.Paused, paused.Schedule.State.Note})
	reference := describeSchedule(t, other).Info.NumActions
	awaitSchedule(t, other, "three more actions", func(d scheduleDescription) bool { return d.Info.NumActions >= reference+3 })
	require.Equal(t, paused.Info.NumActions, describeSchedule(t, id).Info.NumActions)
	writer().post(t, schedulePath(id, "/unpause"), "").expect(t, http.StatusNoContent)
	d := awaitSchedule(t, id, "another action", func(d scheduleDescription) bool { return d.Info.NumActions > paused.Info.NumActions })
	require.Equal(t, []any{false, "Unpaused through Flowgate."}, []any{d.Schedule.State.Paused, d.Schedule.State.Note})
	writer().post(t, schedulePath(id, "/pause"), "").expect(t, http.StatusNoContent)
	require.Equal(t, "Paused through Flowgate.", describeSchedule(t, id).Schedule.State.Note)
}

func TestBackfillMakesExactlyTheMissedRuns(t *testing.T) {
	t.Parallel()
	id := createSchedule(t, scheduledAction("Echo", newID(t)), `"spec":{"cronExpressions":["CRON_TZ=Asia/Kolkata 0 */2 * * *"]}`, `"state":{"paused":true}`)
	const day = "startTime=2026-03-01T00:00:00Z&endTime=2026-03-01T23:59:59Z"
	times := as[struct{ StartTimes []time.Time }](t, writer().get(t, schedulePath(id, "/matching-times?"+day)).expect(t, http.StatusOK)).StartTimes
	require.Len(t, times, 12)
	require.Equal(t, time.Date(2026, 3, 1, 0, 30, 0, 0, time.UTC), times[0])
	for _, backfill := range []string{
		`{"startAt":"2026-03-01T00:00:00Z","endAt":"2026-03-01T07:00:00Z","overlap":"ALLOW_ALL"}`,
		`{"startAt":"2026-03-01T20:00:00Z","endAt":"2026-03-01T22:30:00Z","overlap":"BUFFER_ALL"}`,
	} {
		before := describeSchedule(t, id).Info.NumActions
		writer().post(t, schedulePath(id, "/backfill"), `{"backfill":[`+backfill+`]}`).expect(t, http.StatusNoContent)
		awaitSchedule(t, id, "the backfill begins", func(d scheduleDescription) bool { return d.Info.NumActions > before })
	}
	d := awaitSchedule(t, id, "all are started", func(d scheduleDescription) bool {
		return d.Info.NumActions >= 6 && d.Info.BufferSize == 0 && len(d.Info.RunningActions) == 0
	})
	var taken []time.Time
	for _, action := range d.Info.RecentActions {
		taken = append(taken, action.ScheduledAt)
	}
	require.ElementsMatch(t, append(times[:4:4], times[10:]...), taken)
	require.Equal(t, 6, d.Info.NumActions)
	writer().post(t, schedulePath(id, "/backfill"), `{"backfill":[]}`).problem(t, http.StatusBadRequest, "invalid-request")
}

// TestOverlapPolicies triggers a schedule while a workflow that it has started is running.
func TestOverlapPolicies(t *testing.T) {
	t.Parallel()
	for overlap, check := range map[string]func(t *testing.T, id, running string){
		"SKIP": func(t *testing.T, id, _ string) {
			t.Helper()
			d := awaitSchedule(t, id, "a skipped action", func(d scheduleDescription) bool { return d.Info.NumActionsSkippedOverlap == 1 })
			require.Equal(t, 1, d.Info.NumActions)
		},
		"BUFFER_ONE": func(t *testing.T, id, running string) {
			t.Helper()
			awaitSchedule(t, id, "a waiting action", func(d scheduleDescription) bool { return d.Info.BufferSize == 1 })
			trigger(t, id, "BUFFER_ONE")
			d := awaitSchedule(t, id, "a skipped action", func(d scheduleDescription) bool { return d.Info.NumActionsSkippedOverlap == 1 })
			require.Equal(t, []int{1, 1}, []int{d.Info.NumActions, d.Info.BufferSize})
			signalFinish(t, running, `1`)
			awaitSchedule(t, id, "the waiting action", func(d scheduleDescription) bool { return d.Info.NumActions == 2 && d.Info.BufferSize == 0 })
		},
		"BUFFER_ALL": func(t *testing.T, id, running string) {
			t.Helper()
			awaitSchedule(t, id, "a waiting action", func(d scheduleDescription) bool { return d.Info.BufferSize == 1 })
			trigger(t, id, "BUFFER_ALL")
			awaitSchedule(t, id, "two waiting actions", func(d scheduleDescription) bool { return d.Info.BufferSize == 2 })
			for _, number := range []int{2, 3} {
				signalFinish(t, running, `1`)
				d := awaitSchedule(t, id, "the next action", func(d scheduleDescription) bool {
					return d.Info.NumActions == number && d.Info.BufferSize == 3-number && len(d.Info.RunningActions) == 1
				})
				running = d.Info.RunningActions[0].WorkflowID
			}
		},
		"CANCEL_OTHER": func(t *testing.T, id, running string) {
			t.Helper()
			require.Equal(t, "CANCELED", awaitOutcome(t, running).Status)
			awaitSchedule(t, id, "the next action", func(d scheduleDescription) bool { return d.Info.NumActions == 2 })
		},
		"TERMINATE_OTHER": func(t *testing.T, id, running string) {
			t.Helper()
			require.Equal(t, "TERMINATED", awaitOutcome(t, running).Status)
			awaitSchedule(t, id, "the next action", func(d scheduleDescription) bool { return d.Info.NumActions == 2 })
		},
		"ALLOW_ALL": func(t *testing.T, id, running string) {
			t.Helper()
			d := awaitSchedule(t, id, "the next action", func(d scheduleDescription) bool { return d.Info.NumActions == 2 })
			require.Equal(t, "RUNNING", describe(t, running).Status)
			require.Equal(t, "RUNNING", describe(t, d.Info.RecentActions[1].WorkflowID).Status)
		},
	} {
		t.Run(overlap, func(t *testing.T) {
			t.Parallel()
			id := createSchedule(t, scheduledAction("Wait", newID(t)), `"spec":{}`, `"policy":{"overlap":`+quote(overlap)+`}`)
			writer().post(t, schedulePath(id, "/trigger"), "").expect(t, http.StatusNoContent) // with the policy of the schedule
			d := awaitSchedule(t, id, "a running workflow", func(d scheduleDescription) bool { return d.Info.NumActions == 1 && len(d.Info.RecentActions) == 1 })
			trigger(t, id, overlap)
			check(t, id, d.Info.RecentActions[0].WorkflowID)
			for _, action := range describeSchedule(t, id).Info.RecentActions {
				_, _ = writer().send(t.Context(), http.MethodPost, workflowPath(action.WorkflowID, "/terminate"), "")
			}
		})
	}
}

func TestCreateTakesActionsAtOnce(t *testing.T) {
	t.Parallel()
	id, customer := newID(t), newID(t)
	createScheduleWith(t, `"scheduleId":`+quote(id)+`,"triggerImmediately":true,
		"backfill":[{"startAt":"2026-03-01T00:00:00Z","endAt":"2026-03-01T01:30:00Z","overlap":"BUFFER_ALL"}],
		"memo":{"price":1.10},"searchAttributes":{"CustomerId":`+quote(customer)+`},"staticSummary":"a <report>","staticDetails":"**all**",
		"schedule":{`+scheduledAction("Echo", newID(t), `"memo":{"of":"run"}`, `"searchAttributes":{"CustomerId":"c-1"}`)+
		`,"spec":{"calendars":[{"minute":"*/30","hour":"*"}]},"policy":{"overlap":"BUFFER_ALL"}}`)
	d := awaitSchedule(t, id, "five actions", func(d scheduleDescription) bool { return d.Info.NumActions >= 5 && len(d.Info.RunningActions) == 0 })
	require.Equal(t, `{"price":1.10}`, string(d.Memo))
	require.JSONEq(t, `{"CustomerId":{"type":"Keyword","value":`+quote(customer)+`}}`, string(d.SearchAttributes))
	w := as[map[string]json.RawMessage](t, writer().get(t, workflowPath(d.Info.RecentActions[0].WorkflowID)).expect(t, http.StatusOK))
	require.Equal(t, []string{`"a <report>"`, `"**all**"`, `{"of":"run"}`}, []string{string(w["staticSummary"]), string(w["staticDetails"]), string(w["memo"])})
	require.Contains(t, string(w["searchAttributes"]), `"c-1"`)
	p := writer().post(t, schedules, `{"scheduleId":`+quote(id)+`,"schedule":{`+scheduledAction("Echo", "w")+`,"spec":{}}}`).
		problem(t, http.StatusConflict, "schedule-already-exists")
	require.Equal(t, id, p.ScheduleID)
}

func TestRepeatedCreateIsTheSameSchedule(t *testing.T) {
	t.Parallel()
	withKey, id := writer().with("Idempotency-Key", newID(t)), newID(t)
	body := `{"scheduleId":` + quote(id) + `,"schedule":{` + scheduledAction("Echo", "w") + `,"spec":{}}}`
	first := withKey.post(t, schedules, body).expect(t, http.StatusCreated)
	again := withKey.post(t, schedules, body).expect(t, http.StatusCreated)
	require.Equal(t, first.header.Get("ETag"), again.header.Get("ETag"))
	withKey.post(t, schedules, strings.Replace(body, "Echo", "Wait", 1)).problem(t, http.StatusConflict, "schedule-already-exists")
	writer().mustSend(t, http.MethodDelete, schedulePath(id), "").expect(t, http.StatusNoContent)
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		p := writer().mustSend(t, method, schedulePath(id), "").problem(t, http.StatusNotFound, "schedule-not-found")
		require.Equal(t, id, p.ScheduleID)
	}
	writer().post(t, schedulePath(id, "/pause"), "").problem(t, http.StatusNotFound, "schedule-not-found")
}

func TestLimitedScheduleStopsByItself(t *testing.T) {
	t.Parallel()
	id := createSchedule(t, scheduledAction("Echo", newID(t)), everySecond, `"state":{"limitedActions":true,"remainingActions":2}`)
	d := awaitSchedule(t, id, "no action left", func(d scheduleDescription) bool { return d.Schedule.State.RemainingActions == 0 })
	require.Equal(t, 2, d.Info.NumActions)
	// A schedule without actions left can be changed, and then be continued.
	for _, patch := range []string{`{"schedule":{"state":{"note":"n"}}}`, `{"schedule":{"state":{"limitedActions":null,"remainingActions":null}}}`} {
		writer().mustSend(t, http.MethodPatch, schedulePath(id), patch).expect(t, http.StatusOK)
	}
	awaitSchedule(t, id, "more actions", func(d scheduleDescription) bool { return d.Info.NumActions > 2 })
}

func TestBinaryArgumentsOfAScheduleSurvive(t *testing.T) {
	t.Parallel()
	const arguments = `[{"json":1.10},{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"/wA="}]`
	id := createSchedule(t, scheduledAction("EchoPayload", newID(t), `"argPayloads":[{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"/wA="}]`), `"spec":{}`)
	read := as[struct{ Schedule json.RawMessage }](t, writer().get(t, schedulePath(id)).expect(t, http.StatusOK))
	writer().mustSend(t, http.MethodPut, schedulePath(id), `{"schedule":`+string(read.Schedule)+`}`).expect(t, http.StatusOK)
	trigger(t, id, "SKIP")
	d := awaitSchedule(t, id, "an action", func(d scheduleDescription) bool { return d.Info.NumActions == 1 && len(d.Info.RecentActions) == 1 })
	o := as[map[string]json.RawMessage](t, writer().get(t, workflowPath(d.Info.RecentActions[0].WorkflowID, "/result?wait=30s")).expect(t, http.StatusOK))
	require.Contains(t, string(o["resultPayload"]), `"data":"/wA="`)
	writer().mustSend(t, http.MethodPatch, schedulePath(id), `{"schedule":{"action":{"argPayloads":`+arguments+`}}}`).expect(t, http.StatusOK)
	require.Contains(t, string(describeSchedule(t, id).Schedule.Action), `"argPayloads":[{"json":1.10},{"data":"/wA="`)
}

func TestSchedulesAreListedAndCounted(t *testing.T) {
	t.Parallel()
	customer := newID(t)
	ids := map[string]bool{}
	for range 3 {
		id := newID(t) + "/a b"
		ids[id] = true
		createScheduleWith(t, `"scheduleId":`+quote(id)+`,"searchAttributes":{"CustomerId":`+quote(customer)+`},"memo":{"n":1},
			"schedule":{`+scheduledAction("Echo", "w")+`,"spec":{"cronExpressions":["0 2 * * * # night"]},"state":{"paused":true,"note":"new"}}`)
	}
	query := "?query=" + url.QueryEscape(`CustomerId = "`+customer+`"`)
	e2etest.Eventually(t, "all are counted", func() bool {
		return as[struct{ Count int }](t, reader().get(t, schedules+":count"+query).expect(t, http.StatusOK)).Count == len(ids)
	})
	type page struct {
		Schedules []struct {
			ScheduleID                             string
			Schedule, Info, Memo, SearchAttributes json.RawMessage
		}
		NextPageToken string
	}
	found, token := map[string]bool{}, ""
	for {
		p := as[page](t, reader().get(t, schedules+query+"&pageSize=2"+token).expect(t, http.StatusOK))
		for _, s := range p.Schedules {
			found[s.ScheduleID] = true
			require.JSONEq(t, `{"action":{"workflowType":"Echo"},"spec":{"cronExpressions":["0 2 * * * # night"]},"state":{"paused":true,"note":"new"}}`, string(s.Schedule))
			require.Equal(t, `{"n":1}`, string(s.Memo))
			require.Contains(t, string(s.SearchAttributes), customer)
		}
		if token = "&pageToken=" + p.NextPageToken; p.NextPageToken == "" {
			break
		}
	}
	require.Equal(t, ids, found)
	lines := string(reader().with("Accept", typeNDJSON).get(t, schedules+query+"&limit=2").expect(t, http.StatusOK).body)
	require.Equal(t, 2, strings.Count(lines, "\n"))
	for id := range ids {
		by := "?scheduleId=" + url.QueryEscape(id)
		require.Equal(t, id, as[scheduleDescription](t, reader().get(t, schedules+"/-"+by).expect(t, http.StatusOK)).ScheduleID)
	}
	reader().get(t, schedules+"?query="+url.QueryEscape("Nothing = 1")).problem(t, http.StatusBadRequest, "invalid-request")
}

func TestSearchAttributesOfAScheduleAreReplaced(t *testing.T) {
	t.Parallel()
	id := createSchedule(t, scheduledAction("Echo", "w"), `"spec":{}`)
	read := as[struct{ Schedule json.RawMessage }](t, writer().get(t, schedulePath(id)).expect(t, http.StatusOK))
	for _, step := range []struct{ method, body, want string }{
		{http.MethodPut, `{"schedule":` + string(read.Schedule) + `,"searchAttributes":{"CustomerId":"c-1"}}`, `{"CustomerId":{"type":"Keyword","value":"c-1"}}`},
		{http.MethodPut, `{"schedule":` + string(read.Schedule) + `}`, `{"CustomerId":{"type":"Keyword","value":"c-1"}}`},
		{http.MethodPatch, `{"searchAttributes":{"Items":{"type":"Int","value":3}}}`, `{"CustomerId":{"type":"Keyword","value":"c-1"},"Items":{"type":"Int","value":3}}`},
		{http.MethodPatch, `{"searchAttributes":{"CustomerId":null}}`, `{"Items":{"type":"Int","value":3}}`},
		{http.MethodPut, `{"schedule":` + string(read.Schedule) + `,"searchAttributes":{}}`, ``},
	} {
		response := writer().mustSend(t, step.method, schedulePath(id), step.body).expect(t, http.StatusOK)
		for _, a := range []apiResponse{response, writer().get(t, schedulePath(id))} {
			d := as[scheduleDescription](t, a)
			if step.want == "" {
				require.Empty(t, string(d.SearchAttributes))
			} else {
				require.JSONEq(t, step.want, string(d.SearchAttributes), step.body)
			}
		}
	}
}

func TestMatchingTimesFollowTheSpec(t *testing.T) {
	t.Parallel()
	spec := `{"calendars":[{"hour":"9,12","dayOfWeek":"MON-SAT,SUN"}],"intervals":[{"every":"24h","offset":"90s"}],
		"skip":[{"hour":[{"start":12}],"dayOfMonth":[{"start":2}],"minute":"*"}],
		"startAt":"2026-03-01T10:00:00Z","endAt":"2026-03-03T08:00:00Z","timeZoneName":"Europe/Zurich"}`
	id := createSchedule(t, scheduledAction("Echo", "w"), `"spec":`+spec, `"policy":{"catchupWindow":"1h","pauseOnFailure":true}`)
	times := string(writer().get(t, schedulePath(id, "/matching-times?startTime=2026-01-01T00:00:00Z&endTime=2026-12-01T00:00:00Z")).expect(t, http.StatusOK).body)
	require.JSONEq(t, `{"startTimes":["2026-03-01T11:00:00Z","2026-03-02T00:01:30Z","2026-03-02T08:00:00Z","2026-03-03T00:01:30Z","2026-03-03T08:00:00Z"]}`, times)
	require.JSONEq(t, `{"overlap":"SKIP","catchupWindow":"3600s","pauseOnFailure":true}`, string(describeSchedule(t, id).Schedule.Policy))
}
