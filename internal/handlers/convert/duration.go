package convert

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// ParseDuration parses a duration in a request. It rejects a negative duration.
func ParseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, errors.New("must be a duration such as 30s or 1h30m")
	}
	return d, nil
}

// Duration parses a duration. It returns nil if text is empty, so that the server uses its
// default.
func (v *Validation) Duration(pointer, text string) *durationpb.Duration {
	if text == "" {
		return nil
	}
	d, err := ParseDuration(text)
	if err != nil {
		v.Add(pointer, err.Error())
		return nil
	}
	return durationpb.New(d)
}

// FormatTime formats a time as RFC 3339 in UTC. It returns an empty string for a time that
// is not set, which the server sends as no message, as the epoch or as Go's zero time.
func FormatTime(t *timestamppb.Timestamp) string {
	at := t.AsTime()
	if at.IsZero() || at.Equal(time.Unix(0, 0)) {
		return ""
	}
	return at.Format(time.RFC3339Nano)
}

// FormatSeconds formats a duration in seconds, such as 5400s or 0.1s, exactly. It is
// never used for a negative duration.
func FormatSeconds(d time.Duration) string {
	text := strconv.FormatInt(int64(d/time.Second), 10)
	if fraction := d % time.Second; fraction != 0 {
		text += "." + strings.TrimRight(fmt.Sprintf("%09d", fraction), "0")
	}
	return text + "s"
}

// FormatDuration is [FormatSeconds] for a protobuf duration. It returns an empty string
// for zero, which means "not set" in Temporal's API.
func FormatDuration(d *durationpb.Duration) string {
	if d.AsDuration() == 0 {
		return ""
	}
	return FormatSeconds(d.AsDuration())
}

// Time parses a time in RFC 3339. It returns nil if text is empty.
func (v *Validation) Time(pointer, text string) *timestamppb.Timestamp {
	if text == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	sent := timestamppb.New(at)
	if err != nil || sent.CheckValid() != nil {
		v.Add(pointer, "must be a time such as 2026-11-21T09:30:00Z")
		return nil
	}
	return sent
}
