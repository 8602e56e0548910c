package schedule

import (
	"slices"
	"strconv"
	"time"
	_ "time/tzdata" // the image of the gateway has no time zones

	"go.temporal.io/api/schedule/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// cronMarker begins the comment of a calendar that the gateway has made of a cron
// expression. The rest of the comment is the expression as written.
const cronMarker = "cron: "

// maxCommentBytes is the server's limit for the comment of a calendar.
const maxCommentBytes = 200

// maxRanges bounds the ranges of all calendars of a schedule. The server compares each
// with the clock whenever it looks for the next action, and stores all of them again with
// each action. A hundred thousand stop the schedules of a whole namespace. A calendar
// has six or seven, and in a body, a range of a text takes two bytes.
const maxRanges = 1000

// newSpec returns the times of the actions. The result has only calendars and intervals,
// which is the form that the server stores.
func newSpec(v *convert.Validation, pointer string, body *openapi.ScheduleSpec) *schedule.ScheduleSpec {
	left := maxRanges
	spec := &schedule.ScheduleSpec{
		StructuredCalendar:        newCalendars(v, pointer+"/calendars", body.Calendars, &left),
		Interval:                  newIntervals(v, pointer+"/intervals", body.Intervals),
		ExcludeStructuredCalendar: newCalendars(v, pointer+"/skip", body.Skip, &left),
		StartTime:                 v.Time(pointer+"/startAt", body.StartAt),
		EndTime:                   v.Time(pointer+"/endAt", body.EndAt),
		Jitter:                    v.Duration(pointer+"/jitter", body.Jitter),
		TimezoneName:              body.TimeZoneName,
	}
	checkZone(v, pointer+"/timeZoneName", body.TimeZoneName)
	before := len(*v)
	addCrons(v, pointer, body, spec, &left)
	if left < 0 {
		v.Add(pointer, "must have at most "+strconv.Itoa(maxRanges)+" ranges in all of its calendars and cron expressions")
		return spec
	}
	// A calendar of the request that looks as if the gateway had made it would come back as a cron expression.
	if len(*v) == before && !slices.Equal(readCrons(spec).expressions, body.CronExpressions) {
		v.Add(pointer+"/calendars", `must not have a comment that begins with "`+cronMarker+`", which marks a stored cron expression`)
	}
	return spec
}

func newIntervals(v *convert.Validation, pointer string, list []openapi.ScheduleIntervalSpec) []*schedule.IntervalSpec {
	sent := make([]*schedule.IntervalSpec, len(list))
	for i, interval := range list {
		at := pointer + "/" + strconv.Itoa(i)
		before := len(*v)
		v.Require(at+"/every", interval.Every)
		sent[i] = &schedule.IntervalSpec{Interval: v.Duration(at+"/every", interval.Every), Phase: v.Duration(at+"/offset", interval.Offset)}
		if len(*v) == before {
			if err := checkInterval(sent[i]); err != nil {
				v.Add(at, err.Error())
			}
		}
	}
	return sent
}

// newCalendars subtracts the ranges of the calendars from left. It stops if none is left.
func newCalendars(v *convert.Validation, pointer string, list []openapi.ScheduleCalendarSpec, left *int) []*schedule.StructuredCalendarSpec {
	sent := make([]*schedule.StructuredCalendarSpec, len(list))
	for i := range list {
		if *left < 0 {
			return nil
		}
		at, body := pointer+"/"+strconv.Itoa(i), &list[i]
		sent[i] = &schedule.StructuredCalendarSpec{Comment: body.Comment}
		for _, f := range calendarFields() {
			ranges := newRanges(v, at+"/"+f.name, f, *f.in(body))
			*left -= len(ranges)
			*f.of(sent[i]) = ranges
		}
		if len(body.Comment) > maxCommentBytes {
			v.Add(at+"/comment", "must be at most 200 bytes")
		}
	}
	return sent
}

// in returns the field in a request or a response.
func (f field) in(body *openapi.ScheduleCalendarSpec) *openapi.CalendarField {
	return map[string]*openapi.CalendarField{
		"second": &body.Second, "minute": &body.Minute, "hour": &body.Hour, "dayOfMonth": &body.DayOfMonth,
		"month": &body.Month, yearField: &body.Year, dayOfWeekField: &body.DayOfWeek,
	}[f.name]
}

func newRanges(v *convert.Validation, pointer string, f field, body openapi.CalendarField) []*schedule.Range {
	if body.Ranges == nil {
		ranges, err := f.parse(body.Text)
		if err != nil {
			v.Add(pointer, err.Error())
		}
		return ranges
	}
	if len(body.Ranges) > f.maxRanges() {
		v.Add(pointer, f.errTooManyRanges().Error())
		return nil
	}
	ranges := make([]*schedule.Range, len(body.Ranges))
	for i, r := range body.Ranges {
		f.checkRange(v, pointer+"/"+strconv.Itoa(i), r)
		ranges[i] = &schedule.Range{Start: r.Start, End: r.End, Step: r.Step}
	}
	return ranges
}

// checkRange applies the server's rules for ranges (validateStructuredCalendar in its
// package worker/scheduler).
func (f field) checkRange(v *convert.Validation, pointer string, r openapi.ScheduleRange) {
	within := "must be from " + strconv.Itoa(f.first) + " to " + strconv.Itoa(f.last)
	if r.Start < int32(f.first) || r.Start > int32(f.last) { //nolint:gosec // at most lastYear
		v.Add(pointer+"/start", within)
	}
	if r.End != 0 && (r.End < r.Start || r.End > int32(f.last)) { //nolint:gosec // at most lastYear
		v.Add(pointer+"/end", within+", and not before the start")
	}
	if r.Step < 0 {
		v.Add(pointer+"/step", "must not be negative")
	}
}

// addCrons adds the calendars and intervals of the cron expressions, and their time zone.
// It subtracts the ranges from left, and stops if none is left.
func addCrons(v *convert.Validation, pointer string, body *openapi.ScheduleSpec, spec *schedule.ScheduleSpec, left *int) {
	zone := ""
	for i, text := range body.CronExpressions {
		if *left < 0 {
			return
		}
		at := pointer + "/cronExpressions/" + strconv.Itoa(i)
		cron, err := parseCron(text)
		switch {
		case err != nil:
			v.Add(at, err.Error())
			continue
		case i == 0:
			zone = cron.zone
			checkZone(v, at, zone)
		case cron.zone != zone:
			v.Add(at, "must have the same time zone as the other cron expressions, or none like them")
		}
		if cron.interval != nil {
			spec.Interval = append(spec.Interval, cron.interval)
			cron.calendar = neverMatching()
		}
		*left -= countRanges(cron.calendar)
		cron.calendar.Comment = cronMarker + text
		spec.StructuredCalendar = append(spec.StructuredCalendar, cron.calendar)
	}
	if zone != "" && spec.GetTimezoneName() != "" {
		v.Add(pointer+"/timeZoneName", "must not be sent if the cron expressions have a time zone")
	}
	if zone != "" {
		spec.TimezoneName = zone
	}
}

func countRanges(calendar *schedule.StructuredCalendarSpec) (count int) {
	for _, f := range calendarFields() {
		count += len(*f.of(calendar))
	}
	return count
}

// neverMatching returns the calendar of 30 February. Its comment keeps the text of a cron
// expression that is an interval, because an interval has no comment.
func neverMatching() *schedule.StructuredCalendarSpec {
	return &schedule.StructuredCalendarSpec{
		Second: []*schedule.Range{{}}, Minute: []*schedule.Range{{}}, Hour: []*schedule.Range{{}},
		DayOfMonth: []*schedule.Range{{Start: 30}}, Month: []*schedule.Range{{Start: 2}}, DayOfWeek: []*schedule.Range{{End: 6}},
	}
}

func checkZone(v *convert.Validation, pointer, name string) {
	if _, err := time.LoadLocation(name); err != nil {
		v.Add(pointer, "must be the IANA name of a time zone, such as Europe/Zurich")
	}
}

// renderSpec is the inverse of [newSpec].
func renderSpec(spec *schedule.ScheduleSpec) openapi.ScheduleSpec {
	crons := readCrons(spec)
	body := openapi.ScheduleSpec{
		CronExpressions: crons.expressions, Skip: renderCalendars(spec.GetExcludeStructuredCalendar()),
		Calendars: renderCalendars(crons.calendars), TimeZoneName: spec.GetTimezoneName(),
		StartAt: formatTime(spec.GetStartTime()), EndAt: formatTime(spec.GetEndTime()), Jitter: convert.FormatDuration(spec.GetJitter()),
	}
	if crons.zone != "" {
		body.TimeZoneName = ""
	}
	for _, interval := range crons.intervals {
		body.Intervals = append(body.Intervals, openapi.ScheduleIntervalSpec{
			Every: convert.FormatSeconds(interval.GetInterval().AsDuration()), Offset: convert.FormatDuration(interval.GetPhase()),
		})
	}
	return body
}

func renderCalendars(list []*schedule.StructuredCalendarSpec) []openapi.ScheduleCalendarSpec {
	rendered := make([]openapi.ScheduleCalendarSpec, len(list))
	for i, calendar := range list {
		rendered[i].Comment = calendar.GetComment()
		for _, f := range calendarFields() {
			ranges := []openapi.ScheduleRange{}
			if f.name == yearField {
				ranges = nil // no range means every year, as an absent field does
			}
			for _, r := range *f.of(calendar) {
				r = cleanRange(r)
				ranges = append(ranges, openapi.ScheduleRange{Start: r.GetStart(), End: r.GetEnd(), Step: r.GetStep()})
			}
			f.in(&rendered[i]).Ranges = ranges
		}
	}
	if len(rendered) == 0 {
		return nil
	}
	return rendered
}

// cleanRange sets the defaults of a range, as the server does when it describes a
// schedule.
func cleanRange(r *schedule.Range) *schedule.Range {
	return &schedule.Range{Start: r.GetStart(), End: max(r.GetEnd(), r.GetStart()), Step: max(r.GetStep(), 1)}
}

// equalDurations reports whether two durations are equal. An absent one is zero.
func equalDurations(a, b *durationpb.Duration) bool { return a.AsDuration() == b.AsDuration() }
