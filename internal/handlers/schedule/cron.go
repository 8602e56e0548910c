package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/api/schedule/v1"
	"google.golang.org/protobuf/types/known/durationpb"
)

// cronFields are the numbers of fields of a cron expression, without and with a year, and
// with a year and seconds.
const (
	cronFields         = 5
	cronFieldsYear     = 6
	cronFieldsAndYears = 7
)

// maxCronBytes bounds a cron expression, which must fit into the comment of a calendar.
const maxCronBytes = maxCommentBytes - len(cronMarker)

// cronExpression is a parsed cron expression: a calendar or, for @every, an interval.
type cronExpression struct {
	calendar *schedule.StructuredCalendarSpec
	interval *schedule.IntervalSpec
	zone     string
}

// parseCron parses a cron expression as the server does (parseCronString in its package
// worker/scheduler), so that both take it for the same times.
func parseCron(text string) (cronExpression, error) {
	if len(text) > maxCronBytes {
		return cronExpression{}, fmt.Errorf("must be at most %d bytes", maxCronBytes)
	}
	zone, text, err := cutZone(strings.TrimSpace(text))
	if err != nil {
		return cronExpression{}, err
	}
	text, _, _ = strings.Cut(text, "#")
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "@every") {
		interval, err := parseEvery(text)
		return cronExpression{interval: interval}, err // the server ignores the zone
	}
	fields := strings.Fields(expandShorthand(text))
	switch len(fields) {
	case cronFields:
		fields = append(append([]string{"0"}, fields...), "*")
	case cronFieldsYear:
		fields = append([]string{"0"}, fields...)
	case cronFieldsAndYears:
	default:
		return cronExpression{}, errors.New("must have 5, 6 or 7 fields")
	}
	calendar := &schedule.StructuredCalendarSpec{}
	for i, f := range calendarFields() {
		ranges, err := f.parse(fields[cronOrder[i]])
		if err != nil {
			return cronExpression{}, fmt.Errorf("has an invalid %s, which %w", f.name, err)
		}
		*f.of(calendar) = ranges
	}
	return cronExpression{calendar: calendar, zone: zone}, nil
}

// cronOrder has the index in a cron expression of seven fields of each of the
// [calendarFields].
var cronOrder = [...]int{0, 1, 2, 3, 4, 6, 5} //nolint:gochecknoglobals // a constant

// cutZone cuts CRON_TZ=zone or TZ=zone off the beginning of a cron expression.
func cutZone(text string) (zone, rest string, err error) {
	if !strings.HasPrefix(text, "TZ=") && !strings.HasPrefix(text, "CRON_TZ=") {
		return "", text, nil
	}
	assignment, rest, found := strings.Cut(text, " ")
	if !found {
		return "", "", errors.New("has a time zone and no fields")
	}
	_, zone, _ = strings.Cut(assignment, "=")
	return zone, rest, nil
}

func expandShorthand(text string) string {
	switch text {
	case "@yearly", "@annually":
		return "0 0 1 1 *"
	case "@monthly":
		return "0 0 1 * *"
	case "@weekly":
		return "0 0 * * 0"
	case "@daily", "@midnight":
		return "0 0 * * *"
	case "@hourly":
		return "0 * * * *"
	default:
		return text
	}
}

// parseEvery parses @every with an interval and, after a slash, an offset.
func parseEvery(text string) (*schedule.IntervalSpec, error) {
	_, text, found := strings.Cut(text, " ")
	if !found {
		return nil, errors.New("must have an interval after @every")
	}
	every, offset, _ := strings.Cut(text, "/")
	interval, err := parseDays(every)
	if err != nil {
		return nil, errors.New("must have a duration such as 12h or 1d after @every")
	}
	spec := &schedule.IntervalSpec{Interval: durationpb.New(interval)}
	if offset != "" {
		phase, err := parseDays(offset)
		if err != nil {
			return nil, errors.New("must have a duration such as 30m after the slash")
		}
		spec.Phase = durationpb.New(phase)
	}
	return spec, checkInterval(spec)
}

// checkInterval applies the server's rules for intervals.
func checkInterval(spec *schedule.IntervalSpec) error {
	interval, offset := spec.GetInterval().AsDuration(), spec.GetPhase().AsDuration()
	switch {
	case interval < time.Second:
		return errors.New("must have an interval of at least 1s")
	case offset < 0 || offset >= interval:
		return errors.New("must have an offset that is less than the interval")
	default:
		return nil
	}
}

// days matches a number of days in a duration, as the server does.
var days = regexp.MustCompile(`(\d+(\.\d*)?|(\.\d+))d`)

// parseDays is [time.ParseDuration] with the additional unit "d".
func parseDays(text string) (time.Duration, error) {
	return time.ParseDuration(days.ReplaceAllStringFunc(text, func(match string) string {
		number, err := strconv.ParseFloat(strings.TrimSuffix(match, "d"), 64)
		if err != nil {
			return match // which ParseDuration rejects
		}
		return fmt.Sprintf("%fh", 24*number)
	}))
}
