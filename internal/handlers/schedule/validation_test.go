package schedule_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// TestWhatTheServerWouldRejectIsRejectedWithAPointer sends schedules with one error each. None reaches the server.
func TestWhatTheServerWouldRejectIsRejectedWithAPointer(t *testing.T) {
	t.Parallel()
	spec := func(members string) string { return `{` + someAction + `,"spec":{` + members + `}}` }
	with := func(members string) string { return `{` + someAction + `,` + someSpec + `,` + members + `}` }
	long := strings.Repeat("x", 1001)
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		newScheduler(g.Upstream)
		for pointer, schedules := range map[string][]string{
			"/schedule/action/workflowType":                {`{"action":{"workflowId":"w","taskQueue":"q"},"spec":{}}`},
			"/schedule/action/workflowId":                  {`{"action":{"workflowType":"T","workflowId":"` + long[:980] + `","taskQueue":"q"},"spec":{}}`},
			"/schedule/action/runTimeout":                  {`{"action":{"workflowType":"T","workflowId":"w","taskQueue":"q","runTimeout":"soon"},"spec":{}}`},
			"/schedule/action/searchAttributes/A":          {`{"action":{"workflowType":"T","workflowId":"w","taskQueue":"q","searchAttributes":{"A":{"type":"Int","value":"x"}}},"spec":{}}`},
			"/schedule/spec/intervals/1":                   {spec(`"intervals":[{"every":"1s"},{"every":"999ms"}]`), spec(`"intervals":[{"every":"1h"},{"every":"1h","offset":"1h"}]`)},
			"/schedule/spec/intervals/0/every":             {spec(`"intervals":[{}]`), spec(`"intervals":[{"every":"-1s"}]`)},
			"/schedule/spec/calendars/0/hour":              {spec(`"calendars":[{"hour":"24"}]`), spec(`"calendars":[{"hour":"9-8"}]`), spec(`"calendars":[{"hour":"1/2/3"}]`), spec(`"calendars":[{"hour":"1-2-3"}]`), spec(`"calendars":[{"hour":"*/0"}]`), spec(`"calendars":[{"hour":"1,"}]`), spec(`"calendars":[{"hour":"` + long + `"}]`)},
			"/schedule/spec/calendars/0/month":             {spec(`"calendars":[{"month":"ja"}]`), spec(`"calendars":[{"month":"dec-jan"}]`)},
			"/schedule/spec/calendars/0/year":              {spec(`"calendars":[{"year":"1999"}]`)},
			"/schedule/spec/calendars/0/dayOfWeek/0/start": {spec(`"calendars":[{"dayOfWeek":[{"start":7}]}]`)},
			"/schedule/spec/calendars/0/dayOfMonth/0/start": {
				spec(`"calendars":[{"dayOfMonth":[{"start":0}]}]`), spec(`"calendars":[{"dayOfMonth":[{"start":32}]}]`), spec(`"calendars":[{"dayOfMonth":[{}]}]`),
			},
			"/schedule/spec/skip/0/minute/0/end":           {spec(`"skip":[{"minute":[{"start":5,"end":4}]}]`), spec(`"skip":[{"minute":[{"start":5,"end":60}]}]`)},
			"/schedule/spec/calendars/0/minute/0/step":     {spec(`"calendars":[{"minute":[{"start":1,"step":-1}]}]`)},
			"/schedule/spec/calendars/0/comment":           {spec(`"calendars":[{"comment":"` + long[:201] + `"}]`)},
			"/schedule/spec/calendars":                     {spec(`"calendars":[{"comment":"cron: 0 0 * * *"}]`), spec(`"calendars":[{"comment":"cron: x"}],"cronExpressions":["@daily"]`)},
			"/schedule/spec/cronExpressions/0":             {spec(`"cronExpressions":["0 25 * * *"]`), spec(`"cronExpressions":["* * * *"]`), spec(`"cronExpressions":["* * * * * * * *"]`), spec(`"cronExpressions":["CRON_TZ=Mars/Base 0 1 * * *"]`), spec(`"cronExpressions":["TZ=UTC"]`), spec(`"cronExpressions":["@every"]`), spec(`"cronExpressions":["@every 1ms"]`), spec(`"cronExpressions":["@every 1h/2h"]`), spec(`"cronExpressions":["@noon"]`), spec(`"cronExpressions":["0 0 * * * #` + long[:190] + `"]`)},
			"/schedule/spec/cronExpressions/1":             {spec(`"cronExpressions":["CRON_TZ=UTC @daily","@daily"]`), spec(`"cronExpressions":["CRON_TZ=UTC @daily","@every 1h"]`)},
			"/schedule/spec/timeZoneName":                  {spec(`"timeZoneName":"Mars/Base"`), spec(`"timeZoneName":"UTC","cronExpressions":["CRON_TZ=UTC @daily"]`)},
			"/schedule/spec/startAt":                       {spec(`"startAt":"tomorrow"`), spec(`"startAt":"0000-01-01T00:00:00Z"`)},
			"/schedule/spec/jitter":                        {spec(`"jitter":"-1s"`)},
			"/schedule/policy/overlap":                     {with(`"policy":{"overlap":"QUEUE"}`)},
			"/schedule/policy/catchupWindow":               {with(`"policy":{"catchupWindow":"9s"}`)},
			"/schedule/state/remainingActions":             {with(`"state":{"remainingActions":-1}`), with(`"state":{"limitedActions":true}`)},
			"/schedule/state/limitedActions":               {with(`"state":{"remainingActions":1}`)},
			"/schedule/action/argPayloads":                 {`{"action":{"workflowType":"T","workflowId":"w","taskQueue":"q","args":[1],"argPayloads":[{"json":1}]},"spec":{}}`},
			"/schedule/action/priority/fairnessWeight":     {`{"action":{"workflowType":"T","workflowId":"w","taskQueue":"q","priority":{"fairnessWeight":0}},"spec":{}}`},
			"/schedule/action/retryPolicy/maximumAttempts": {`{"action":{"workflowType":"T","workflowId":"w","taskQueue":"q","retryPolicy":{"maximumAttempts":-1}},"spec":{}}`},
		} {
			for _, schedule := range schedules {
				requireInvalid(t, g.Do(t, http.MethodPost, servertest.SchedulesPath, `{"scheduleId":"s","schedule":`+schedule+`}`), pointer)
			}
		}
		for pointer, members := range map[string]string{
			"/scheduleId":         `"scheduleId":"` + long[:978] + `"`,
			"/backfill/0/endAt":   `"scheduleId":"s","backfill":[{"startAt":"2026-01-02T00:00:00Z","endAt":"2026-01-01T00:00:00Z"}]`,
			"/backfill/0/startAt": `"scheduleId":"s","backfill":[{"endAt":"2026-01-01T00:00:00Z"}]`,
			"/backfill/0/overlap": `"scheduleId":"s","backfill":[{"startAt":"2026-01-01T00:00:00Z","endAt":"2026-01-01T00:00:00Z","overlap":"x"}]`,
			"/backfill":           `"scheduleId":"s","backfill":[{}` + strings.Repeat(",{}", 100) + `]`,
			"/memoPayloads":       `"scheduleId":"s","memo":{"a":1},"memoPayloads":{"b":{"json":1}}`,
		} {
			requireInvalid(t, g.Do(t, http.MethodPost, servertest.SchedulesPath, `{`+members+`,"schedule":`+someSchedule+`}`), pointer)
		}
		summary := strings.Replace(someCreate, `"workflowType"`, `"staticSummary":"a","workflowType"`, 1)
		requireInvalid(t, g.Do(t, http.MethodPost, servertest.SchedulesPath, strings.Replace(summary, `{`, `{"staticSummary":"b",`, 1)), "/staticSummary")
		require.Zero(t, g.UpstreamCalls())
	})
}

// requireInvalid requires a problem with one error, at the pointer.
func requireInvalid(t *testing.T, r servertest.Response, pointer string) {
	t.Helper()
	require.Equal(t, http.StatusBadRequest, r.Status, "%s: %s", pointer, r.Body)
	var p struct {
		Errors []struct{ Pointer, Detail string } `json:"errors"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.Body), &p, json.MatchCaseInsensitiveNames(true)))
	require.Len(t, p.Errors, 1, r.Body)
	require.Equal(t, pointer, p.Errors[0].Pointer, r.Body)
}

func TestErrorsOfAScheduleAreReportedTogetherUpToALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		body := `{"scheduleId":"","schedule":{"action":{},"spec":{"calendars":[{"hour":"x"}` + strings.Repeat(`,{"hour":"x"}`, 99) + `]}}}`
		r := g.Do(t, http.MethodPost, servertest.SchedulesPath, body)
		require.Equal(t, http.StatusBadRequest, r.Status)
		require.Equal(t, 51, strings.Count(r.Body, `"pointer"`))
		require.Contains(t, r.Body, `"/schedule/action/taskQueue"`)
		for body, code := range map[string]string{
			`{"scheduleId":"s","schedule":{},"id":1}`:                      "unknown-field",
			`{"scheduleId":"s","schedule":{"spec":{"cron":"x"}}}`:          "unknown-field",
			`{"scheduleId":"s","schedule":{"spec":{"skip":[{"hour":7}]}}}`: "invalid-request",
			`{"scheduleId":"s","scheduleId":"t"}`:                          "invalid-json",
			``:                                                             "invalid-request",
		} {
			require.Equal(t, code, g.Do(t, http.MethodPost, servertest.SchedulesPath, body).Field(t, "code"), body)
		}
		require.Zero(t, g.UpstreamCalls())
	})
}

// TestReadableFieldsBecomeRanges creates calendars with texts.
func TestReadableFieldsBecomeRanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		newScheduler(g.Upstream)
		for text, want := range map[string]string{
			`"dayOfWeek":"MON-FRI"`:       `"dayOfWeek":[{"start":1,"end":5,"step":1}]`,
			`"dayOfWeek":"5-7"`:           `"dayOfWeek":[{"start":0,"end":0,"step":1},{"start":5,"end":6,"step":1}]`,
			`"dayOfWeek":"sun,tue"`:       `"dayOfWeek":[{"start":0,"end":0,"step":1},{"start":2,"end":2,"step":1}]`,
			`"month":"JAN,jul-september"`: `"month":[{"start":1,"end":1,"step":1},{"start":7,"end":9,"step":1}]`,
			`"minute":"*/15"`:             `"minute":[{"start":0,"end":59,"step":15}]`,
			`"minute":"5/15"`:             `"minute":[{"start":5,"end":59,"step":15}]`,
			`"hour":[{"start":9}]`:        `"hour":[{"start":9,"end":9,"step":1}]`,
			`"hour":[]`:                   `"hour":[]`,
			`"year":"2027-2028"`:          `"year":[{"start":2027,"end":2028,"step":1}]`,
			`"second":"10", "minute":"5"`: `"second":[{"start":10,"end":10,"step":1}]`,
			`"hour":"*","comment":"all"`:  `"hour":[{"start":0,"end":23,"step":1}]`,
		} {
			g.Do(t, http.MethodDelete, pathOf("s"), "")
			r := g.Do(t, http.MethodPost, servertest.SchedulesPath, `{"scheduleId":"s","schedule":{`+someAction+`,"spec":{"calendars":[{`+text+`}]}}}`)
			require.Equal(t, http.StatusCreated, r.Status, r.Body)
			require.Contains(t, g.Do(t, http.MethodGet, pathOf("s"), "").Body, want)
		}
	})
}

func TestCreateSendsWhatTheSDKSends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		newScheduler(g.Upstream)
		body := `{"scheduleId":"s","triggerImmediately":true,"backfill":[{"startAt":"2026-01-01T00:00:00Z","endAt":"2026-01-02T00:00:00Z"}],
			"staticSummary":"a","staticDetails":"b","schedule":{` + someAction + `,` + someSpec + `,"policy":{"overlap":"BUFFER_ONE"}}}`
		first := g.Do(t, http.MethodPost, servertest.SchedulesPath, body, "Idempotency-Key", "once")
		require.Equal(t, []any{http.StatusCreated, servertest.SchedulesPath + "/s"}, []any{first.Status, first.Header.Get("Location")})
		require.JSONEq(t, `{"scheduleId":"s"}`, first.Body)
		sent := handlerstest.OnlyRequest[*workflowservice.CreateScheduleRequest](t, g, "CreateSchedule")
		require.Equal(t, "writer", sent.GetIdentity())
		require.Equal(t, "BufferOne", sent.GetInitialPatch().GetTriggerImmediately().GetOverlapPolicy().String())
		require.Len(t, sent.GetInitialPatch().GetBackfillRequest(), 1)
		require.Equal(t, "8760h0m0s", sent.GetSchedule().GetPolicies().GetCatchupWindow().AsDuration().String())
		action := sent.GetSchedule().GetAction().GetStartWorkflow()
		require.Equal(t, []string{`"a"`, `"b"`}, []string{string(action.GetUserMetadata().GetSummary().GetData()), string(action.GetUserMetadata().GetDetails().GetData())})
		require.Equal(t, "Europe/Zurich", sent.GetSchedule().GetSpec().GetTimezoneName())
		g.Do(t, http.MethodPost, servertest.SchedulesPath, body, "Idempotency-Key", "once")
		g.Do(t, http.MethodPost, servertest.SchedulesPath, body)
		calls := g.Upstream.Calls("CreateSchedule")
		ids := map[string]bool{}
		for _, call := range calls {
			ids[servertest.FieldString(servertest.DecodeRequest(t, call), "request_id")] = true
		}
		require.Len(t, ids, 2, "the same key is the same request")
		again := g.Do(t, http.MethodPost, servertest.SchedulesPath, body)
		require.Equal(t, []any{http.StatusConflict, "schedule-already-exists", "s"}, []any{again.Status, again.Field(t, "code"), again.Field(t, "scheduleId")})
	})
}
