package scheduletest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// Schedules generates schedules in the form in which the gateway returns them: with all
// defaults, with ranges instead of texts, with durations in seconds and times in UTC. All
// of them are paused, so that a real server takes no action.
func Schedules() *rapid.Generator[openapi.Schedule] {
	return rapid.Custom(func(t *rapid.T) openapi.Schedule {
		return openapi.Schedule{Action: action(t), Spec: spec(t), Policy: policy(t), State: state(t)}
	})
}

// maybe returns a value of the generator, or half of the time the zero value.
func maybe[T any](t *rapid.T, name string, generator *rapid.Generator[T]) (value T) {
	if rapid.Bool().Draw(t, "has "+name) {
		value = generator.Draw(t, name)
	}
	return value
}

// text generates texts without control characters.
func text() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.RuneFrom([]rune("ab/ .-:%<&>'\"\\é漢😀")), 1, 12, -1) //nolint:gosmopolitan // any character is permitted
}

// duration generates durations from least.
func duration(least time.Duration) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		seconds := rapid.Int64Range(int64(least/time.Second), 400*24*3600).Draw(t, "seconds")
		fraction := rapid.SampledFrom([]string{"", ".5", ".000000001", ".123456789"}).Draw(t, "fraction")
		return strconv.FormatInt(max(seconds, 1), 10) + fraction + "s"
	})
}

func at() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		seconds, nanoseconds := rapid.Int64Range(0, 4_000_000_000), rapid.SampledFrom([]int64{0, 1, 250_000_000})
		return time.Unix(seconds.Draw(t, "unix"), nanoseconds.Draw(t, "ns")).UTC().Format(time.RFC3339Nano)
	})
}

func action(t *rapid.T) openapi.ScheduleAction {
	a := openapi.ScheduleAction{
		WorkflowType: text().Draw(t, "type"), WorkflowID: "w-" + text().Draw(t, "id"), TaskQueue: "q-" + text().Draw(t, "queue"),
		ExecutionTimeout: maybe(t, "executionTimeout", duration(time.Second)), RunTimeout: maybe(t, "runTimeout", duration(time.Second)),
		TaskTimeout: maybe(t, "taskTimeout", duration(time.Second)), StaticSummary: maybe(t, "summary", text()), StaticDetails: maybe(t, "details", text()),
		RetryPolicy: maybe(t, "retryPolicy", retryPolicies()), Priority: maybe(t, "priority", priorities()),
		VersioningOverride: maybe(t, "override", overrides()),
	}
	switch values := rapid.SliceOfN(jsonValues(), 0, 3).Draw(t, "args"); {
	case rapid.Bool().Draw(t, "plain"):
		a.Args = values
	default:
		a.ArgPayloads = append(inputs(values), binary(t))
	}
	switch values := rapid.MapOfN(text(), jsonValues(), 0, 2).Draw(t, "memo"); {
	case len(values) == 0:
	case rapid.Bool().Draw(t, "plain memo"):
		a.Memo = values
	default:
		a.MemoPayloads = map[string]openapi.PayloadInput{"-binary": binary(t)}
		for name, value := range values {
			a.MemoPayloads[name] = openapi.PayloadInput{JSON: value}
		}
	}
	if rapid.Bool().Draw(t, "has attributes") {
		a.SearchAttributes = map[string]openapi.SearchAttributeInput{
			"CustomerId": openapi.JSON(fmt.Sprintf(`{"type":"Keyword","value":"c-%d"}`, rapid.IntRange(0, 99).Draw(t, "customer"))),
		}
	}
	return a
}

func jsonValues() *rapid.Generator[openapi.JSON] {
	return rapid.SampledFrom([]openapi.JSON{
		openapi.JSON(`null`), openapi.JSON(`true`), openapi.JSON(`1.10`), openapi.JSON(`1e400`), openapi.JSON(`12345678901234567890`),
		openapi.JSON(`"<\u0026\/>"`), openapi.JSON(`[]`), openapi.JSON(`{"b":1,"a":[null]}`), openapi.JSON(`""`),
	})
}

func inputs(values []openapi.JSON) []openapi.PayloadInput {
	list := make([]openapi.PayloadInput, len(values))
	for i, value := range values {
		list[i].JSON = value
	}
	return list
}

// binary returns a payload that is not plain JSON.
func binary(t *rapid.T) openapi.PayloadInput {
	return openapi.PayloadInput{
		Metadata: map[string][]byte{"encoding": []byte(rapid.SampledFrom([]string{"binary/plain", "json/protobuf", "x"}).Draw(t, "encoding"))},
		Data:     rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "data"),
	}
}

func retryPolicies() *rapid.Generator[*openapi.RetryPolicy] {
	return rapid.Custom(func(t *rapid.T) *openapi.RetryPolicy {
		coefficient, attempts := rapid.SampledFrom([]float64{1, 1.5, 2}).Draw(t, "coefficient"), rapid.Int32Range(0, 9).Draw(t, "attempts")
		return &openapi.RetryPolicy{
			InitialInterval: "1s", MaximumInterval: duration(time.Second).Draw(t, "maximum"), BackoffCoefficient: &coefficient, MaximumAttempts: &attempts,
			NonRetryableErrorTypes: maybe(t, "types", rapid.SliceOfN(text(), 1, 2)),
		}
	})
}

func priorities() *rapid.Generator[*openapi.Priority] {
	return rapid.Custom(func(t *rapid.T) *openapi.Priority {
		key, weight := rapid.Int32Range(1, 5).Draw(t, "priority"), rapid.SampledFrom([]float32{0.5, 1, 2.5}).Draw(t, "weight")
		return &openapi.Priority{PriorityKey: &key, FairnessKey: text().Draw(t, "fairness"), FairnessWeight: &weight}
	})
}

func overrides() *rapid.Generator[*openapi.VersioningOverride] {
	return rapid.SampledFrom([]*openapi.VersioningOverride{
		{Behavior: openapi.VersioningBehaviorAutoUpgrade},
		{Behavior: openapi.VersioningBehaviorPinned, PinnedVersion: &openapi.DeploymentVersion{DeploymentName: "orders", BuildID: "1.2"}},
	})
}

func spec(t *rapid.T) openapi.ScheduleSpec {
	s := openapi.ScheduleSpec{
		Calendars: maybe(t, "calendars", rapid.SliceOfN(calendars(), 1, 3)), Intervals: maybe(t, "intervals", rapid.SliceOfN(intervals(), 1, 3)),
		Skip: maybe(t, "skip", rapid.SliceOfN(calendars(), 1, 2)), StartAt: maybe(t, "startAt", at()), EndAt: maybe(t, "endAt", at()),
		Jitter: maybe(t, "jitter", duration(0)),
	}
	zones := rapid.SampledFrom([]string{"", "UTC", "Europe/Zurich", "America/St_Johns"})
	prefix := ""
	if zone := zones.Draw(t, "zone"); rapid.Bool().Draw(t, "zone of crons") && zone != "" {
		prefix = rapid.SampledFrom([]string{"CRON_TZ=", "TZ="}).Draw(t, "prefix") + zone + " "
	} else {
		s.TimeZoneName = zone
	}
	for range rapid.IntRange(0, 3).Draw(t, "crons") {
		cron := crons().Draw(t, "cron")
		if strings.Contains(cron, "@every") && prefix != "" {
			continue // the server rejects an interval beside a time zone
		}
		s.CronExpressions = append(s.CronExpressions, prefix+cron)
	}
	return s
}

func crons() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{
		"0 12 * * *", "*/15 9-17 * * MON-FRI", "0 0 1 jan,jul *", "5/20 3 * * 7", "0 0 * * 5-7/2 2027", "30 0 0 29 feb * 2028-2040/4",
		"@daily", "@hourly", "@every 90m", "@every 1.5d/30s", "  0   2 * * *  # at  two", "0 2 * * sun # cron: # nested", "@weekly#é",
	})
}

func intervals() *rapid.Generator[openapi.ScheduleIntervalSpec] {
	return rapid.Custom(func(t *rapid.T) openapi.ScheduleIntervalSpec {
		every := rapid.Int64Range(1, 400*24*3600).Draw(t, "every")
		interval := openapi.ScheduleIntervalSpec{Every: strconv.FormatInt(every, 10) + "s"}
		if offset := rapid.Int64Range(0, every-1).Draw(t, "offset"); offset > 0 {
			interval.Offset = strconv.FormatInt(offset, 10) + "s"
		}
		return interval
	})
}

func calendars() *rapid.Generator[openapi.ScheduleCalendarSpec] {
	return rapid.Custom(func(t *rapid.T) openapi.ScheduleCalendarSpec {
		return openapi.ScheduleCalendarSpec{
			Second: field(t, "second", 0, 59), Minute: field(t, "minute", 0, 59), Hour: field(t, "hour", 0, 23),
			DayOfMonth: field(t, "dayOfMonth", 1, 31), Month: field(t, "month", 1, 12), Year: field(t, "year", 2000, 2100),
			DayOfWeek: field(t, "dayOfWeek", 0, 6), Comment: maybe(t, "comment", text()),
		}
	})
}

// field generates ranges from first to last, or none.
func field(t *rapid.T, name string, first, last int32) openapi.CalendarField {
	ranges := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) openapi.ScheduleRange {
		start := rapid.Int32Range(first, last).Draw(t, "start")
		return openapi.ScheduleRange{Start: start, End: rapid.Int32Range(start, last).Draw(t, "end"), Step: rapid.Int32Range(1, 70).Draw(t, "step")}
	}), 0, 3).Draw(t, name)
	if len(ranges) == 0 && name == "year" {
		return openapi.CalendarField{} // every year
	}
	if ranges == nil {
		ranges = []openapi.ScheduleRange{}
	}
	return openapi.CalendarField{Ranges: ranges}
}

func policy(t *rapid.T) *openapi.SchedulePolicy {
	overlaps := []openapi.ScheduleOverlapPolicy{
		openapi.ScheduleOverlapPolicySkip, openapi.ScheduleOverlapPolicyBufferOne, openapi.ScheduleOverlapPolicyBufferAll,
		openapi.ScheduleOverlapPolicyCancelOther, openapi.ScheduleOverlapPolicyTerminateOther, openapi.ScheduleOverlapPolicyAllowAll,
	}
	return &openapi.SchedulePolicy{
		Overlap: rapid.SampledFrom(overlaps).Draw(t, "overlap"), CatchupWindow: duration(10*time.Second).Draw(t, "catchupWindow"),
		PauseOnFailure: rapid.Bool().Draw(t, "pauseOnFailure"),
	}
}

func state(t *rapid.T) *openapi.ScheduleState {
	s := &openapi.ScheduleState{Note: maybe(t, "note", text()), Paused: true}
	if s.LimitedActions = rapid.Bool().Draw(t, "limited"); s.LimitedActions {
		s.RemainingActions = rapid.Int64Range(1, 1<<53).Draw(t, "remaining")
	}
	return s
}
