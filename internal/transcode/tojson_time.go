package transcode

import (
	"bytes"
	"encoding/binary"
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

// minutes writes times. Those of one answer are close to each other, so most of
// them begin as the one before did.
type minuteCache struct {
	minute uint     // since the year 1, from 1: zero is none
	prefix [18]byte // of that minute's times
}

// append writes a time as RFC 3339 in UTC.
func (c *minuteCache) append(dst []byte, seconds, nanos int64, fraction func([]byte, int) []byte) ([]byte, error) {
	if seconds < minTimestamp || seconds > maxTimestamp || nanos < 0 || nanos > maxNanos {
		return dst, errTime
	}
	sinceBegin := uint(seconds - minTimestamp) // never negative
	if minute := sinceBegin/60 + 1; minute != c.minute {
		c.setMinute(minute)
	}
	at := len(dst) + len(c.prefix)
	dst = append(append(dst, c.prefix[:]...), "00"...)
	putTwoDigits(dst[at:], sinceBegin%60)
	dst = fraction(dst, int(nanos))
	return append(dst, 'Z', '"'), nil
}

// add makes the begin of a minute's times.
func (c *minuteCache) setMinute(minute uint) {
	const hour, day = 60, 24 * 60
	c.minute = minute
	copy(c.prefix[:], `"0000-00-00T00:00:`)
	year, month, date := civilDate((minute - 1) / day)
	rest := (minute - 1) % day
	putTwoDigits(c.prefix[1:], year/100)
	putTwoDigits(c.prefix[3:], year%100)
	putTwoDigits(c.prefix[6:], month)
	putTwoDigits(c.prefix[9:], date)
	putTwoDigits(c.prefix[12:], rest/hour)
	putTwoDigits(c.prefix[15:], rest%hour)
}

// civilDate gives the date of a day in the Gregorian calendar, counted from
// 0001-01-01. Years begin in March, so that the leap day is their last.
func civilDate(days uint) (year, month, day uint) {
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

// putTwoDigits writes a number of two digits.
func putTwoDigits(dst []byte, n uint) { binary.LittleEndian.PutUint16(dst, twoDigits[n]) }

// twoDigits are the digits of the numbers that have two.
//
//nolint:gochecknoglobals // a read-only table
var twoDigits = func() (table [100]uint16) {
	for n := range table {
		table[n] = binary.LittleEndian.Uint16([]byte{byte('0' + n/10), byte('0' + n%10)})
	}
	return table
}()

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
	dst = appendInt(dst, seconds)
	dst = fraction(dst, int(nanos))
	return append(dst, 's', '"'), nil
}

// appendNanos writes the part of a second in 0, 3, 6 or 9 digits.
func appendNanos(dst []byte, nanos int) []byte {
	const thousand = 1000
	if nanos == 0 {
		return dst
	}
	dst = appendNineDigits(dst, nanos)
	switch {
	case nanos%thousand != 0:
		return dst
	case nanos%(thousand*thousand) != 0:
		return dst[:len(dst)-3]
	default:
		return dst[:len(dst)-6]
	}
}

// appendTrimmedNanos writes the part of a second in as many digits as it has.
func appendTrimmedNanos(dst []byte, nanos int) []byte {
	if nanos == 0 {
		return dst
	}
	return bytes.TrimRight(appendNineDigits(dst, nanos), "0")
}

// appendNineDigits writes a point and nine digits.
func appendNineDigits(dst []byte, nanos int) []byte {
	at, n := len(dst), uint(nanos)
	dst = append(dst, ".000000000"...)
	digits := dst[at+1 : at+10]
	digits[0] = byte('0' + n/1e8) //nolint:gosec // below 1e9
	putTwoDigits(digits[1:], n/1e6%100)
	putTwoDigits(digits[3:], n/1e4%100)
	putTwoDigits(digits[5:], n/1e2%100)
	putTwoDigits(digits[7:], n%100)
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

func isDigits(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}
