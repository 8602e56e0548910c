package schedule

import (
	"slices"
	"strings"

	"go.temporal.io/api/schedule/v1"
)

// crons are the parts of a spec: the cron expressions that the gateway has stored in it,
// with their time zone, and the other calendars and intervals.
type crons struct {
	expressions []string
	zone        string
	calendars   []*schedule.StructuredCalendarSpec
	intervals   []*schedule.IntervalSpec
}

// readCrons finds the cron expressions in a spec. An expression counts only if it still
// has the meaning of the calendar or interval that it stands for, because another client
// may have changed that and kept the comment. If one does not count, none does.
func readCrons(spec *schedule.ScheduleSpec) crons {
	read := crons{intervals: spec.GetInterval()}
	var intervals []*schedule.IntervalSpec
	for i, calendar := range spec.GetStructuredCalendar() {
		text, marked := strings.CutPrefix(calendar.GetComment(), cronMarker)
		if !marked {
			read.calendars = append(read.calendars, calendar)
			continue
		}
		cron, err := parseCron(text)
		if err != nil || i > 0 && len(read.expressions) > 0 && cron.zone != read.zone {
			return plainSpec(spec)
		}
		if cron.interval != nil {
			intervals = append(intervals, cron.interval)
			cron.calendar = neverMatching()
		}
		if !equalCalendars(cron.calendar, calendar) {
			return plainSpec(spec)
		}
		read.expressions, read.zone = append(read.expressions, text), cron.zone
	}
	others := len(read.intervals) - len(intervals)
	if read.zone != "" && read.zone != spec.GetTimezoneName() || others < 0 || !slices.EqualFunc(read.intervals[others:], intervals, equalIntervals) {
		return plainSpec(spec)
	}
	read.intervals = read.intervals[:others]
	return read
}

// plainSpec returns the parts of a spec without cron expressions.
func plainSpec(spec *schedule.ScheduleSpec) crons {
	return crons{calendars: spec.GetStructuredCalendar(), intervals: spec.GetInterval()}
}

func equalIntervals(a, b *schedule.IntervalSpec) bool {
	return equalDurations(a.GetInterval(), b.GetInterval()) && equalDurations(a.GetPhase(), b.GetPhase())
}

// equalCalendars reports whether two calendars have the same ranges.
func equalCalendars(a, b *schedule.StructuredCalendarSpec) bool {
	for _, f := range calendarFields() {
		if !slices.EqualFunc(*f.of(a), *f.of(b), func(a, b *schedule.Range) bool {
			a, b = cleanRange(a), cleanRange(b)
			return a.GetStart() == b.GetStart() && a.GetEnd() == b.GetEnd() && a.GetStep() == b.GetStep()
		}) {
			return false
		}
	}
	return true
}
