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
		v.checkPayload(payloadsPointer, strconv.Itoa(i), input)
	}
	return payload.EncodeList(func(yield func(payload.Source) bool) {
		for _, input := range raw {
			if !yield(payload.Source(input)) {
				return
			}
		}
	})
}

// checkPayload validates an element of a list or a map of payloads.
func (v *Validation) checkPayload(parent, name string, input openapi.PayloadInput) {
	switch {
	case input.JSON != nil && (input.Metadata != nil || input.Data != nil):
		v.Add(pointerTo(parent, name), "must have either json or metadata and data")
	case input.JSON == nil && len(input.Metadata) == 0:
		v.Add(pointerTo(parent, name), "must have json, or metadata and data")
	}
}

// memo encodes the memo, which a request contains either as plain JSON or as payloads.
func (v *Validation) memo(plain map[string]openapi.JSON, raw map[string]openapi.PayloadInput) *common.Memo {
	if len(plain) == 0 && len(raw) == 0 {
		return nil
	}
	if len(plain) > 0 && len(raw) > 0 {
		v.Add("/memoPayloads", "must not be sent together with /memo")
	}
	for name, input := range raw {
		v.checkPayload("/memoPayloads", name, input)
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

func (v *Validation) searchAttributes(values map[string]openapi.SearchAttributeInput) *common.SearchAttributes {
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
