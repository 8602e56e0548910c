package schedule_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/server/servertest"
)

// list returns a text with n elements.
func list(element string, n int) string { return strings.Repeat(element+",", n-1) + element }

// TestRangesAreBounded creates schedules with as many ranges as permitted, and with one or one calendar more.
func TestRangesAreBounded(t *testing.T) {
	t.Parallel()
	const field, sixRanges = `{"minute":"`, `{"hour":"1"}`
	spec := "/schedule/spec"
	for name, test := range map[string]struct{ permitted, rejected, pointer string }{
		"of a text":            {`"calendars":[` + field + list("0", 60) + `"}]`, `"calendars":[` + field + list("0", 61) + `"}]`, spec + "/calendars/0/minute"},
		"of a list":            {`"skip":[{"hour":[` + list(`{"start":1}`, 24) + `]}]`, `"skip":[{"hour":[` + list(`{"start":1}`, 25) + `]}]`, spec + "/skip/0/hour"},
		"of days of the week":  {`"calendars":[{"dayOfWeek":"` + list("1", 8) + `"}]`, `"calendars":[{"dayOfWeek":"` + list("3-7", 5) + `"}]`, spec + "/calendars/0/dayOfWeek"},
		"of a cron expression": {`"cronExpressions":["` + list("0", 60) + ` 0 * * *"]`, `"cronExpressions":["` + list("0", 61) + ` 0 * * *"]`, spec + "/cronExpressions/0"},
		"of years":             {`"calendars":[{"year":"` + list("2030", 101) + `"}]`, `"calendars":[{"year":"` + list("2030", 102) + `"}]`, spec + "/calendars/0/year"},
		"of all calendars":     {`"calendars":[` + list(sixRanges, 166) + `]`, `"calendars":[` + list(sixRanges, 167) + `]`, spec},
		"of both lists":        {`"calendars":[` + list(sixRanges, 83) + `],"skip":[` + list(sixRanges, 83) + `]`, `"calendars":[` + list(sixRanges, 84) + `],"skip":[` + list(sixRanges, 83) + `]`, spec},
		"of cron expressions":  {`"cronExpressions":[` + list(`"@daily"`, 166) + `]`, `"cronExpressions":[` + list(`"@every 1h"`, 167) + `]`, spec},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{})
				newScheduler(g.Upstream)
				create := func(members string) servertest.Response {
					return g.Do(t, http.MethodPost, servertest.SchedulesPath, `{"scheduleId":"s","schedule":{`+someAction+`,"spec":{`+members+`}}}`)
				}
				requireInvalid(t, create(test.rejected), test.pointer)
				require.Zero(t, g.UpstreamCalls())
				r := create(test.permitted)
				require.Equal(t, http.StatusCreated, r.Status, r.Body)
			})
		})
	}
}
