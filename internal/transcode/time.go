package transcode

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"
)

// The ranges of google.protobuf.Timestamp and Duration, in seconds.
const (
	minTimestamp = -62135596800
	maxTimestamp = 253402300799
	maxDuration  = 315576000000
	maxNanos     = 999999999
)

var errTime = errors.New("a time or duration out of its range")

// appendTimestamp writes a time as RFC 3339 in UTC.
func appendTimestamp(dst []byte, seconds, nanos int64, fraction func([]byte, int) []byte) ([]byte, error) {
	if seconds < minTimestamp || seconds > maxTimestamp || nanos < 0 || nanos > maxNanos {
		return dst, errTime
	}
	const day, hour, minute = 86400, 3600, 60
	sinceBegin := seconds - minTimestamp // never negative
	year, month, date := civil(int(sinceBegin / day))
	rest := int(sinceBegin % day)
	at := len(dst)
	dst = append(dst, `"0000-00-00T00:00:00`...)
	setTwo(dst[at+1:], year/100)
	setTwo(dst[at+3:], year%100)
	setTwo(dst[at+6:], month)
	setTwo(dst[at+9:], date)
	setTwo(dst[at+12:], rest/hour)
	setTwo(dst[at+15:], rest%hour/minute)
	setTwo(dst[at+18:], rest%minute)
	dst = fraction(dst, int(nanos))
	return append(dst, 'Z', '"'), nil
}

// civil gives the date of a day in the Gregorian calendar, counted from
// 0001-01-01. Years begin in March, so that the leap day is their last.
func civil(days int) (year, month, day int) {
	const (
		era, century, four, one = 146097, 36524, 1461, 365 // days
		yearsOfEra              = 400
		february                = 306 // days from March to the end of the year
	)
	days += february // since 0000-03-01
	eras := days / era
	days %= era
	year = (days - days/(four-1) + days/century - days/(era-1)) / one
	days -= one*year + year/4 - year/100
	month = (5*days + 2) / 153
	day = days - (153*month+2)/5 + 1
	year += eras * yearsOfEra
	if month < 10 {
		return year, month + 3, day
	}
	return year + 1, month - 9, day
}

// setTwo writes a number of two digits.
func setTwo(dst []byte, n int) {
	dst[0], dst[1] = byte('0'+n/10), byte('0'+n%10) //nolint:gosec // digits
}

// appendDuration writes a duration in seconds.
func appendDuration(dst []byte, seconds, nanos int64, fraction func([]byte, int) []byte) ([]byte, error) {
	if seconds < -maxDuration || seconds > maxDuration || nanos < -maxNanos || nanos > maxNanos ||
		seconds > 0 && nanos < 0 || seconds < 0 && nanos > 0 {
		return dst, errTime
	}
	dst = append(dst, '"')
	if seconds < 0 || nanos < 0 {
		dst, seconds, nanos = append(dst, '-'), -seconds, -nanos
	}
	dst = strconv.AppendInt(dst, seconds, 10)
	dst = fraction(dst, int(nanos))
	return append(dst, 's', '"'), nil
}

// appendNanos writes the part of a second in 0, 3, 6 or 9 digits.
func appendNanos(dst []byte, nanos int) []byte {
	const thousand = 1000
	switch {
	case nanos == 0:
		return dst
	case nanos%(thousand*thousand) == 0:
		return appendDigits(append(dst, '.'), nanos/thousand/thousand, 3)
	case nanos%thousand == 0:
		return appendDigits(append(dst, '.'), nanos/thousand, 6)
	default:
		return appendDigits(append(dst, '.'), nanos, 9)
	}
}

// appendFewNanos writes the part of a second in as many digits as it has.
func appendFewNanos(dst []byte, nanos int) []byte {
	if nanos == 0 {
		return dst
	}
	return bytes.TrimRight(appendDigits(append(dst, '.'), nanos, 9), "0")
}

func appendDigits(dst []byte, n, digits int) []byte {
	end := len(dst) + digits
	dst = append(dst, "000000000"[:digits]...)
	for i := end - 1; n > 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

// parseTimestamp reads RFC 3339 with at most nine digits of a second.
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

// parseDuration reads seconds with at most nine digits of a fraction, and an s.
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
	if number == "" || len(fraction) > 9 || !digits(whole) || !digits(fraction) || len(whole) > 1 && whole[0] == '0' {
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

func digits(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}
