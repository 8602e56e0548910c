package convert

import (
	"errors"

	"go.temporal.io/api/common/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/payload"
)

// renderPayload returns a payload as plain JSON if it is plain JSON, otherwise with its
// metadata.
func renderPayload(p *common.Payload) (openapi.JSON, *openapi.Payload) {
	if p == nil {
		return nil, nil
	}
	if value, ok := payload.ToJSON(p); ok {
		return value, nil
	}
	raw := rawPayload(p)
	return nil, &raw
}

// FirstPayload returns the result of a workflow, a query or an update: its first
// payload, as in the SDKs.
func FirstPayload(list *common.Payloads) (openapi.JSON, *openapi.Payload) {
	if len(list.GetPayloads()) == 0 {
		return nil, nil
	}
	return renderPayload(list.GetPayloads()[0])
}

// renderPayloads returns a list of payloads as plain JSON if every payload is plain JSON,
// otherwise all of them with their metadata.
func renderPayloads(list *common.Payloads) (plain []openapi.JSON, raw []openapi.Payload) {
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
	raw := make([]openapi.Payload, len(list.GetPayloads()))
	for i, p := range list.GetPayloads() {
		raw[i] = rawPayload(p)
	}
	return raw
}

// AppendPayload renders a payload with its metadata, for [transcode.ViewField.Value].
func AppendPayload(dst, wire []byte) ([]byte, bool, error) { return RenderAs(rawPayload)(dst, wire) }

func rawPayload(p *common.Payload) openapi.Payload {
	value, _ := payload.Readable(p)
	return openapi.Payload{Metadata: p.GetMetadata(), Data: p.GetData(), JSON: value}
}

// errNotPlain makes the callers of [plainValue] render payloads with their metadata. It
// never reaches a response.
var errNotPlain = errors.New("a payload that is not plain JSON")

// plainValue appends a payload that is plain JSON or null. It returns [errNotPlain] for any
// other payload.
func plainValue(dst, wire []byte) ([]byte, bool, error) {
	if p, ok := payload.Read(wire); ok {
		if value, ok := p.Plain(); ok {
			return append(dst, value...), true, nil
		}
	}
	return dst, false, errNotPlain
}
