package openapi

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// CalendarField is a field of a [ScheduleCalendarSpec]: ranges, or a text in the syntax
// of a cron field. The zero value is an absent field. A list without ranges is a value.
type CalendarField struct {
	Text   string
	Ranges []ScheduleRange
}

// IsZero reports whether the field is absent.
func (f CalendarField) IsZero() bool { return f.Text == "" && f.Ranges == nil }

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (f *CalendarField) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*f = CalendarField{}
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, &f.Text)
	}
	return json.UnmarshalDecode(d, &f.Ranges)
}

// MarshalJSONTo implements [json.MarshalerTo].
func (f CalendarField) MarshalJSONTo(e *jsontext.Encoder) error {
	if f.Text != "" {
		return json.MarshalEncode(e, f.Text)
	}
	return json.MarshalEncode(e, f.Ranges)
}
