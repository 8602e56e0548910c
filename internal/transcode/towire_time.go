package transcode

import (
	"strconv"
	"strings"
	"time"
)

// parseTimestamp parses an RFC 3339 time whose seconds have at most nine decimal
// places.
func parseTimestamp(text string) (seconds int64, nanos int32, ok bool) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, 0, false
	}
	point, zone := strings.LastIndexByte(text, '.'), strings.LastIndexAny(text, "Z-+")
	if point >= 0 && zone >= point && zone-point > len(".999999999") {
		return 0, 0, false
	}
	seconds = t.Unix()
	return seconds, int32(t.Nanosecond()), seconds >= minTimestamp && seconds <= maxTimestamp //nolint:gosec // below a billion
}

// parseDuration parses a number of seconds, with at most nine decimal places and
// the suffix s.
func parseDuration(text string) (seconds int64, nanos int32, ok bool) {
	number, ok := strings.CutSuffix(text, "s")
	if !ok {
		return 0, 0, false
	}
	sign := int64(1)
	if rest, negative := strings.CutPrefix(number, "-"); negative {
		sign, number = -1, rest
	} else {
		number = strings.TrimPrefix(number, "+")
	}
	whole, fraction, _ := strings.Cut(number, ".")
	if number == "" || len(fraction) > 9 || !isDigits(whole) || !isDigits(fraction) || len(whole) > 1 && whole[0] == '0' {
		return 0, 0, false
	}
	if whole != "" {
		var err error
		if seconds, err = strconv.ParseInt(whole, 10, 64); err != nil || seconds > maxDuration {
			return 0, 0, false
		}
	}
	n, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 32)
	return sign * seconds, int32(sign * n), true //nolint:gosec // below a billion
}

// isDigits reports whether text has decimal digits only. It returns true for an
// empty text.
func isDigits(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}
