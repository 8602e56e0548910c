package convert

import (
	"strconv"

	"go.temporal.io/api/common/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/payload"
)

// Payloads encodes a list of values, which a request contains either as plain JSON or as
// payloads. Pointer and payloadsPointer are the JSON pointers of these two members.
func (v *Validation) Payloads(pointer string, plain []openapi.JSON, payloadsPointer string, raw []openapi.PayloadInput) *common.Payloads {
	if len(raw) == 0 {
		return payload.FromValues(plain)
	}
	if len(plain) > 0 {
		v.Add(payloadsPointer, "must not be sent together with "+pointer)
	}
	for i, input := range raw {
		if detail := payloadError(input); detail != "" {
			v.Add(pointerTo(payloadsPointer, strconv.Itoa(i)), detail)
		}
	}
	return payload.EncodeList(func(yield func(payload.Source) bool) {
		for _, input := range raw {
			if !yield(payload.Source(input)) {
				return
			}
		}
	})
}

// Value encodes one value, which a request contains either as plain JSON or as a payload. It
// returns nil if the request has neither, which differs from the value null.
func (v *Validation) Value(pointer string, plain openapi.JSON, payloadPointer string, raw *openapi.PayloadInput) *common.Payloads {
	switch {
	case raw == nil && plain == nil:
		return nil
	case raw == nil:
		return payload.FromValues([]openapi.JSON{plain})
	case plain != nil:
		v.Add(payloadPointer, "must not be sent together with "+pointer)
	}
	if detail := payloadError(*raw); detail != "" {
		v.Add(payloadPointer, detail)
	}
	return payload.EncodeList(func(yield func(payload.Source) bool) { yield(payload.Source(*raw)) })
}

// payloadError returns the validation error of a payload, or an empty string.
func payloadError(input openapi.PayloadInput) string {
	switch {
	case input.JSON != nil && (input.Metadata != nil || input.Data != nil):
		return "must have either json or metadata and data"
	case input.JSON == nil && len(input.Metadata) == 0:
		return "must have json, or metadata and data"
	default:
		return ""
	}
}

// Memo encodes the memo, which a request contains either as plain JSON or as payloads.
func (v *Validation) Memo(plain map[string]openapi.JSON, raw map[string]openapi.PayloadInput) *common.Memo {
	if len(plain) == 0 && len(raw) == 0 {
		return nil
	}
	if len(plain) > 0 && len(raw) > 0 {
		v.Add("/memoPayloads", "must not be sent together with /memo")
	}
	for name, input := range raw {
		if detail := payloadError(input); detail != "" {
			v.Add(pointerTo("/memoPayloads", name), detail)
		}
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

// SearchAttributes encodes search attributes. It returns nil if there are none.
func (v *Validation) SearchAttributes(values map[string]openapi.SearchAttributeInput) *common.SearchAttributes {
	if len(values) == 0 {
		return nil
	}
	fields := make(map[string]*common.Payload, len(values))
	for name, value := range values {
		p, err := payload.FromSearchAttribute(value)
		if err != nil {
			v.Add(pointerTo("/searchAttributes", name), err.Error())
			continue
		}
		fields[name] = p
	}
	return &common.SearchAttributes{IndexedFields: fields}
}
