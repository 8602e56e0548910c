package schedule

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.temporal.io/api/schedule/v1"
)

// The fields of a calendar that have rules of their own.
const yearField, dayOfWeekField = "year", "dayOfWeek"

// field is a field of a calendar.
type field struct {
	name         string // the JSON name
	first, last  int
	absent       string   // the text that an absent field stands for
	names        []string // names of values, from nameOffset
	nameOffset   int
	shortestName int
	// of returns the ranges of the field in a calendar.
	of func(*schedule.StructuredCalendarSpec) *[]*schedule.Range
}

// The years that the server supports.
const firstYear, lastYear = 2000, 2100

// maxFieldBytes bounds the text of a field, which can be a list.
const maxFieldBytes = 1000

// calendarFields returns the fields in the order of a cron expression, but for the year,
// which is before the day of the week. The day of the week is 0 to 6; in a text, 7 is
// Sunday too.
func calendarFields() []field {
	type calendar = schedule.StructuredCalendarSpec
	months := strings.Fields("january february march april may june july august september october november december")
	days := strings.Fields("sunday monday tuesday wednesday thursday friday saturday")
	return []field{
		{name: "second", last: 59, absent: "0", of: func(c *calendar) *[]*schedule.Range { return &c.Second }},
		{name: "minute", last: 59, absent: "0", of: func(c *calendar) *[]*schedule.Range { return &c.Minute }},
		{name: "hour", last: 23, absent: "0", of: func(c *calendar) *[]*schedule.Range { return &c.Hour }},
		{name: "dayOfMonth", first: 1, last: 31, absent: "*", of: func(c *calendar) *[]*schedule.Range { return &c.DayOfMonth }},
		{
			name: "month", first: 1, last: 12, absent: "*", names: months, nameOffset: 1, shortestName: 3,
			of: func(c *calendar) *[]*schedule.Range { return &c.Month },
		},
		{name: yearField, first: firstYear, last: lastYear, absent: "*", of: func(c *calendar) *[]*schedule.Range { return &c.Year }},
		{
			name: dayOfWeekField, last: 6, absent: "*", names: days, shortestName: 2,
			of: func(c *calendar) *[]*schedule.Range { return &c.DayOfWeek },
		},
	}
}

// isDayOfWeek reports whether 7 stands for Sunday in a text.
func (f field) isDayOfWeek() bool { return f.name == dayOfWeekField }

// lastInText is the last value of the field in a text.
func (f field) lastInText() int {
	if f.isDayOfWeek() {
		return f.last + 1
	}
	return f.last
}

// maxRanges bounds the ranges of the field: more than it has values say nothing more. In
// a text, the day of the week has one value more.
func (f field) maxRanges() int { return f.lastInText() - f.first + 1 }

// parse parses a text as the server does (makeRange in its package worker/scheduler).
func (f field) parse(text string) ([]*schedule.Range, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		text = f.absent
	}
	if text == "*" && f.name == yearField {
		return nil, nil // no range means every year
	}
	if len(text) > maxFieldBytes {
		return nil, fmt.Errorf("must be at most %d bytes", maxFieldBytes)
	}
	if strings.Count(text, ",") >= f.maxRanges() {
		return nil, f.errTooManyRanges()
	}
	var ranges []*schedule.Range
	for part := range strings.SplitSeq(text, ",") {
		start, end, step, err := f.parsePart(part)
		if err != nil {
			return nil, err
		}
		if f.isDayOfWeek() && end == f.lastInText() { // replace 7 by 0
			if (end-start)%step == 0 && (step > 1 || start > 1) {
				ranges = append(ranges, newRange(0, 0, 1))
				if start == end {
					continue
				}
			}
			end = f.last
		}
		ranges = append(ranges, newRange(start, end, step))
	}
	if len(ranges) > f.maxRanges() { // a part with a 7 can be two ranges
		return nil, f.errTooManyRanges()
	}
	return ranges, nil
}

func (f field) errTooManyRanges() error {
	return fmt.Errorf("must have at most %d ranges", f.maxRanges())
}

// parsePart parses one range, such as 5, 1-5, 1-9/2 or */15.
func (f field) parsePart(part string) (start, end, step int, err error) {
	part, stepText, hasStep := strings.Cut(part, "/")
	step = 1
	if hasStep {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > math.MaxInt32 {
			return 0, 0, 0, errors.New("must have a number above zero after a slash")
		}
	}
	if part == "*" {
		return f.first, f.lastInText(), step, nil
	}
	first, last, isRange := strings.Cut(part, "-")
	if start, err = f.parseValue(first, f.first); err != nil {
		return 0, 0, 0, err
	}
	switch {
	case isRange:
		end, err = f.parseValue(last, start)
	case hasStep: // 5/15 means from 5 to the end
		end = f.lastInText()
	default:
		end = start
	}
	return start, end, step, err
}

// parseValue parses a number or a name, at least from.
func (f field) parseValue(text string, from int) (int, error) {
	value, err := strconv.Atoi(text)
	if lower := strings.ToLower(text); f.names != nil && len(text) >= f.shortestName {
		for i, name := range f.names {
			if strings.HasPrefix(name, lower) {
				value, err = i+f.nameOffset, nil
				break
			}
		}
	}
	if err != nil || value < from || value > f.lastInText() {
		return 0, fmt.Errorf("must have values from %d to %d, in order", f.first, f.last)
	}
	return value, nil
}

// newRange returns a range as the server stores it when it parses a text.
func newRange(start, end, step int) *schedule.Range {
	if end == start {
		end = 0
	}
	if step == 1 {
		step = 0
	}
	return &schedule.Range{Start: int32(start), End: int32(end), Step: int32(step)} //nolint:gosec // checked by the callers
}
