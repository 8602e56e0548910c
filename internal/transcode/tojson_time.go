package transcode

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// The ranges of google.protobuf.Timestamp and Duration, in seconds.
const (
	minTimestamp = -62135596800
	maxTimestamp = 253402300799
	maxDuration  = 315576000000
	maxNanos     = 999999999
)

var errTime = errors.New("a time or duration out of range")

// minuteCache formats times. The times in a response are close to each other, so
// the cache keeps the formatted minute of the last time.
type minuteCache struct {
	minute uint     // minutes since 0001-01-01, plus 1; zero means that the cache is empty
	prefix [18]byte // a quote, and the date and time up to the minute
}

// append appends a time as a JSON string, in the format of RFC 3339 and in UTC.
// The function fraction appends the fraction of the second.
func (c *minuteCache) append(dst []byte, seconds, nanos int64, fraction func([]byte, int) []byte) ([]byte, error) {
	if seconds < minTimestamp || seconds > maxTimestamp || nanos < 0 || nanos > maxNanos {
		return dst, errTime
	}
	sinceMinimum := uint(seconds - minTimestamp) // never negative
	if minute := sinceMinimum/60 + 1; minute != c.minute {
		c.setMinute(minute)
	}
	at := len(dst) + len(c.prefix)
	dst = append(append(dst, c.prefix[:]...), "00"...)
	putTwoDigits(dst[at:], sinceMinimum%60)
	dst = fraction(dst, int(nanos))
	return append(dst, 'Z', '"'), nil
}

// setMinute formats the prefix of a minute.
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

// civilDate returns the Gregorian date of the day with the given number;
// 0001-01-01 has the number 0. It is the algorithm civil_from_days of Howard
// Hinnant: its years begin in March, so that a leap day is the last day of a
// year.
func civilDate(days uint) (year, month, day uint) {
	const (
		eraDays, centuryDays, fourYearDays, yearDays = 146097, 36524, 1461, 365

		eraYears   = 400
		marchToEnd = 306 // days from 1 March to the end of the year
	)
	days += marchToEnd // since 0000-03-01
	eras := days / eraDays
	days %= eraDays
	year = (days - days/(fourYearDays-1) + days/centuryDays - days/(eraDays-1)) / yearDays
	days -= yearDays*year + year/4 - year/100
	month = (5*days + 2) / 153
	day = days - (153*month+2)/5 + 1
	year += eras * eraYears
	if month < 10 {
		return year, month + 3, day
	}
	return year + 1, month - 9, day
}

// putTwoDigits writes a number below 100 as two digits.
func putTwoDigits(dst []byte, n uint) { binary.LittleEndian.PutUint16(dst, twoDigits[n]) }

// twoDigits has the two digits of each number below 100.
//
//nolint:gochecknoglobals // a read-only table
var twoDigits = func() (table [100]uint16) {
	for n := range table {
		table[n] = binary.LittleEndian.Uint16([]byte{byte('0' + n/10), byte('0' + n%10)})
	}
	return table
}()

// appendDuration appends a duration as a JSON string, in seconds. The function
// fraction appends the fraction of the second.
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

// appendNanos appends the fraction of a second with 0, 3, 6 or 9 digits.
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

// appendTrimmedNanos appends the fraction of a second without trailing zeros.
func appendTrimmedNanos(dst []byte, nanos int) []byte {
	if nanos == 0 {
		return dst
	}
	return bytes.TrimRight(appendNineDigits(dst, nanos), "0")
}

// appendNineDigits appends a decimal point and nine digits.
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
