package convert

import (
	"go.temporal.io/api/common/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/payload"
)

// PayloadMap encodes a map of values, which a request contains either as plain JSON or as
// payloads. Pointer and payloadsPointer are the JSON pointers of these two members.
func (v *Validation) PayloadMap(
	pointer string, plain map[string]openapi.JSON, payloadsPointer string, raw map[string]openapi.PayloadInput,
) map[string]*common.Payload {
	if len(plain) > 0 && len(raw) > 0 {
		v.Add(payloadsPointer, "must not be sent together with "+pointer)
	}
	fields := make(map[string]*common.Payload, len(plain)+len(raw))
	for name, value := range plain {
		fields[name] = payload.FromJSON(value)
	}
	for name, input := range raw {
		if detail := payloadError(input); detail != "" {
			v.Add(pointerTo(payloadsPointer, name), detail)
		}
		if input.JSON != nil {
			fields[name] = payload.FromJSON(input.JSON)
		} else {
			fields[name] = &common.Payload{Metadata: input.Metadata, Data: input.Data}
		}
	}
	return fields
}

// PayloadMap returns a map of payloads as plain JSON if every payload is plain JSON,
// otherwise all of them with their metadata.
func PayloadMap(fields map[string]*common.Payload) (plain map[string]openapi.JSON, raw map[string]openapi.Payload) {
	for name, p := range fields {
		value, ok := payload.ToJSON(p)
		if !ok {
			return nil, rawMap(fields)
		}
		if plain == nil {
			plain = make(map[string]openapi.JSON, len(fields))
		}
		plain[name] = value
	}
	return plain, nil
}

func rawMap(fields map[string]*common.Payload) map[string]openapi.Payload {
	raw := make(map[string]openapi.Payload, len(fields))
	for name, p := range fields {
		raw[name] = rawPayload(p)
	}
	return raw
}
