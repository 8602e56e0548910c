package handlers

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/sdk/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/payload"
	"github.com/flowgate/flowgate/internal/problem"
)

// validation collects the errors of a request, so that one response reports all of
// them. It is bounded: a body of 4 MB can have a million errors, and each entry is
// many times the size of the value that it describes.
type validation []problem.Field

// maxErrors is how many validation errors a response lists.
const maxErrors = 50

// add keeps the first maxErrors errors, and then says once that there are more.
// The pointer is shortened: it may hold a name that the caller chose.
func (f *validation) add(pointer, detail string) {
	switch len(*f) {
	case maxErrors:
		*f = append(*f, problem.Field{Detail: "has more validation errors, which are not listed"})
	case maxErrors + 1:
	default:
		*f = append(*f, problem.Field{Pointer: problem.Truncate(pointer), Detail: detail})
	}
}

// atMost refuses a list that is too long, before its elements are looked at.
func (f *validation) atMost(pointer string, length, limit int) bool {
	if length > limit {
		f.add(pointer, "must have at most "+strconv.Itoa(limit)+" elements")
	}
	return length <= limit
}

func (f *validation) require(pointer, value string) {
	if value == "" {
		f.add(pointer, "is required")
	}
}

// err is nil when nothing was added.
func (f *validation) err() error {
	if len(*f) == 0 {
		return nil
	}
	return problem.InvalidFields(*f...)
}

// duration reads a member; empty is nil, which the server reads as its default.
func (f *validation) duration(pointer, text string) *durationpb.Duration {
	if text == "" {
		return nil
	}
	d, err := parseDuration(text)
	if err != nil {
		f.add(pointer, err.Error())
		return nil
	}
	return durationpb.New(d)
}

// payloads reads a list of values that comes in one of two forms.
func (f *validation) payloads(pointer string, plain []openapi.JSON, payloadsPointer string, raw []openapi.PayloadInput) *common.Payloads {
	if len(raw) == 0 {
		return payload.FromValues(plain)
	}
	if len(plain) > 0 {
		f.add(payloadsPointer, "must not be sent together with "+pointer)
	}
	for i, input := range raw {
		f.payload(payloadsPointer, strconv.Itoa(i), input)
	}
	return payload.EncodeList(func(yield func(payload.Source) bool) {
		for _, input := range raw {
			if !yield(payload.Source(input)) {
				return
			}
		}
	})
}

// payload checks one payload, which is a list's or a map's of this name.
func (f *validation) payload(parent, name string, input openapi.PayloadInput) {
	switch {
	case input.JSON != nil && (input.Metadata != nil || input.Data != nil):
		f.add(pointerTo(parent, name), "must have either json or metadata and data")
	case input.JSON == nil && len(input.Metadata) == 0:
		f.add(pointerTo(parent, name), "must have json, or metadata and data")
	}
}

// memo reads the memo, in one of its two forms.
func (f *validation) memo(plain map[string]openapi.JSON, raw map[string]openapi.PayloadInput) *common.Memo {
	if len(plain) == 0 && len(raw) == 0 {
		return nil
	}
	if len(plain) > 0 && len(raw) > 0 {
		f.add("/memoPayloads", "must not be sent together with /memo")
	}
	for name, input := range raw {
		f.payload("/memoPayloads", name, input)
	}
	return payload.EncodeMemo(func(yield func(string, payload.Source) bool) {
		for name, value := range plain {
			if !yield(name, payload.Source{JSON: value}) {
				return
			}
		}
		for name, input := range raw {
			if !yield(name, payload.Source(input)) {
				return
			}
		}
	})
}

func (f *validation) searchAttributes(values map[string]openapi.SearchAttributeInput) *common.SearchAttributes {
	if len(values) == 0 {
		return nil
	}
	fields := make(map[string]*common.Payload, len(values))
	for name, value := range values {
		p, err := payload.FromSearchAttribute(value)
		if err != nil {
			f.add(pointerTo("/searchAttributes", name), err.Error())
			continue
		}
		fields[name] = p
	}
	return &common.SearchAttributes{IndexedFields: fields}
}

// pointerTo appends a member's name to a JSON pointer (RFC 6901 section 3).
func pointerTo(parent, name string) string {
	return string(jsontext.Pointer(parent).AppendToken(name))
}

// userMetadata makes the summary and details that UIs show.
func userMetadata(summary, details string) *sdk.UserMetadata {
	if summary == "" && details == "" {
		return nil
	}
	return &sdk.UserMetadata{Summary: textPayload(summary), Details: textPayload(details)}
}

func textPayload(text string) *common.Payload {
	if text == "" {
		return nil
	}
	value, _ := json.Marshal(text) // a string from valid JSON
	return payload.FromJSON(value)
}

// stringPayload reads a payload that holds a string; anything else is empty.
func stringPayload(p *common.Payload) string {
	var s string
	if value, ok := payload.ToJSON(p); ok {
		_ = json.Unmarshal(value, &s)
	}
	return s
}

// renderPayload renders a payload as a plain value, or else with its metadata.
func renderPayload(p *common.Payload) (openapi.JSON, *openapi.Payload) {
	if p == nil {
		return nil, nil
	}
	if value, ok := payload.ToJSON(p); ok {
		return value, nil
	}
	whole := rawPayload(p)
	return nil, &whole
}

// firstPayload gives what a workflow or a query returned: its first payload, as the
// SDK has it.
func firstPayload(list *common.Payloads) (openapi.JSON, *openapi.Payload) {
	if len(list.GetPayloads()) == 0 {
		return nil, nil
	}
	return renderPayload(list.GetPayloads()[0])
}

// renderPayloads gives a list of payloads as values when all of them are plain, else
// all of them whole.
func renderPayloads(list *common.Payloads) (plain []openapi.JSON, whole []openapi.Payload) {
	for _, p := range list.GetPayloads() {
		value, ok := payload.ToJSON(p)
		if !ok {
			return nil, rawPayloads(list)
		}
		plain = append(plain, value)
	}
	return plain, nil
}

func rawPayloads(list *common.Payloads) []openapi.Payload {
	whole := make([]openapi.Payload, len(list.GetPayloads()))
	for i, p := range list.GetPayloads() {
		whole[i] = rawPayload(p)
	}
	return whole
}

func rawPayload(p *common.Payload) openapi.Payload {
	value, _ := payload.Readable(p)
	return openapi.Payload{Metadata: p.GetMetadata(), Data: p.GetData(), JSON: value}
}

func rawMemo(memo *common.Memo) map[string]openapi.Payload {
	whole := make(map[string]openapi.Payload, len(memo.GetFields()))
	for name, p := range memo.GetFields() {
		whole[name] = rawPayload(p)
	}
	return whole
}

// formatTime writes a time as RFC 3339 in UTC. One that is not set is empty; the
// server writes that as nothing, as the epoch or as Go's zero time.
func formatTime(t *timestamppb.Timestamp) string {
	at := t.AsTime()
	if at.IsZero() || at.Equal(time.Unix(0, 0)) {
		return ""
	}
	return at.Format(time.RFC3339Nano)
}

// formatDuration writes a duration in seconds; zero, which Temporal reads as
// "not set", is empty.
func formatDuration(d *durationpb.Duration) string {
	if d.AsDuration() == 0 {
		return ""
	}
	return formatSeconds(d.AsDuration())
}

func formatSeconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
}
