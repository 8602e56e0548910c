package temporalhttp_test

import (
	"net/http"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// yearlySchedule is the member of a request with a schedule that is not due during the test.
const yearlySchedule = `"schedule":{
	"spec":{"calendar":[{"month":"1","dayOfMonth":"1","hour":"3","comment":"new year"}],
		"structuredCalendar":[{"second":[{"start":5}],"minute":[{"start":1,"end":9,"step":2}],"hour":[{"start":4}],
			"dayOfMonth":[{"start":2}],"month":[{"start":2}],"dayOfWeek":[{"end":6}]}],
		"timezoneName":"Europe/Berlin","startTime":"2100-01-01T00:00:00Z","endTime":"2110-01-01T00:00:00.5Z"},
	"action":{"startWorkflow":{"workflowId":"${id}-run","workflowType":{"name":"Unpolled"},"taskQueue":{"name":"${id}"},"input":[{"x":[1]}],
		"memo":{"fields":{"m":1}},"header":{"fields":{"h":"v"}},"workflowRunTimeout":"60s"}},
	"policies":{"overlapPolicy":"SCHEDULE_OVERLAP_POLICY_BUFFER_ONE","catchupWindow":"3600s","pauseOnFailure":true},
	"state":{"notes":"a note","paused":true,"limitedActions":true,"remainingActions":"5"}}`

// scheduleExamples returns the examples for schedules.
func scheduleExamples() map[string][]example {
	return map[string][]example{
		"CreateSchedule": {
			{body: `{` + yearlySchedule + `,"requestId":"${id}-request","identity":"all","memo":{"fields":{"note":{"a":1}}},
				"searchAttributes":{"indexedFields":{"CustomerId":"c-1"}}}`, after: schedulePath + "?noPayloadShorthand"},
			{about: "exists", prepare: schedule, body: `{` + yearlySchedule + `,"requestId":"${id}-other"}`, status: http.StatusConflict},
			{about: "invalid spec", body: `{"schedule":{"spec":{"calendar":[{"month":"13"}]}},"requestId":"r"}`, status: http.StatusBadRequest},
		},
		"DescribeSchedule": {
			{prepare: schedule},
			{about: "absent", status: http.StatusNotFound},
		},
		"UpdateSchedule": {
			{prepare: schedule, body: `{` + yearlySchedule + `,"requestId":"${id}-request","identity":"all"}`, after: schedulePath + "?noPayloadShorthand"},
			{about: "absent", body: `{` + yearlySchedule + `,"requestId":"${id}-request"}`, status: http.StatusNotFound},
		},
		"PatchSchedule": {
			{prepare: schedule, body: `{"patch":{"unpause":"back"},"requestId":"${id}-request"}`, after: schedulePath, applied: "back"},
			{
				about: "backfill", prepare: schedule,
				body: `{"patch":{"backfillRequest":[{"startTime":"2001-01-01T00:00:00Z","endTime":"2001-01-02T00:00:00Z",
					"overlapPolicy":"SCHEDULE_OVERLAP_POLICY_SKIP"}]},"requestId":"${id}-request"}`,
			},
		},
		"ListScheduleMatchingTimes": {
			{prepare: schedule, query: "startTime=2101-01-01T00:00:00Z&endTime=2103-12-31T00:00:00.25Z"},
		},
		"DeleteSchedule": {
			{prepare: schedule, query: "identity=all"},
			{about: "absent", status: http.StatusNotFound},
		},
		"ListSchedules": {
			{prepare: listedSchedule, query: "maximumPageSize=5&query=ScheduleId%3D%22${id}%22"},
		},
		"CountSchedules": {
			{prepare: listedSchedule, query: "query=ScheduleId%3D%22${id}%22"},
		},
	}
}

const schedulePath = "/namespaces/default/schedules/${id}"

func schedule(s *fixture) {
	s.call(http.MethodPost, schedulePath, `{`+yearlySchedule+`,"requestId":"${id}-first","memo":{"fields":{"note":{"a":1}}}}`)
	e2etest.Eventually(s.T, "the schedule is described", func() bool {
		_, ok := s.tryCall(http.MethodGet, schedulePath, "")
		return ok
	})
}

func listedSchedule(s *fixture) {
	schedule(s)
	e2etest.Eventually(s.T, "the schedule is listed", func() bool {
		return field(s.call(http.MethodGet, "/namespaces/default/schedule-count?query=ScheduleId%3D%22${id}%22", ""), "count") == "1"
	})
}
