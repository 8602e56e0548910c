package temporalhttp_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"go.temporal.io/api/common/v1"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/flowgate/flowgate/internal/transcode"
)

// changePayloads calls change for every payload of a message, including payloads in an Any.
func changePayloads(of proto.Message, change func(*common.Payload)) {
	walk(of.ProtoReflect(), func(m protoreflect.Message) {
		switch m := m.Interface().(type) {
		case *common.Payload:
			change(m)
		case *anypb.Any:
			inner, err := m.UnmarshalNew()
			if err != nil {
				return
			}
			changePayloads(inner, change)
			if packed, err := anypb.New(inner); err == nil {
				m.Value = packed.GetValue()
			}
		}
	})
}

// reconcileStoredPayloads reports whether the two upstream requests differ only because
// Temporal's HTTP API parses and rewrites the JSON in payloads. If so, it makes the
// requests equal.
func reconcileStoredPayloads(p *pair) bool {
	if p.temporal.calls == 0 || p.door.calls == 0 || proto.Equal(p.temporal.request, p.door.request) {
		return false
	}
	temporal, door := proto.CloneOf(p.temporal.request), proto.CloneOf(p.door.request)
	changePayloads(temporal, rewritePayload)
	changePayloads(door, rewritePayload)
	if !proto.Equal(temporal, door) {
		return false
	}
	p.temporal.request = p.door.request
	return true
}

// rewritePayload changes a payload to the form that Temporal's HTTP API would have sent.
func rewritePayload(p *common.Payload) {
	switch string(p.GetMetadata()["encoding"]) {
	case "binary/null": // Temporal ignores the data and other metadata
		p.Reset()
		p.Metadata = map[string][]byte{"encoding": []byte("binary/null")}
	case "json/plain", "json/protobuf":
		if long, ok := parseLongForm(p.GetData()); ok {
			p.Reset()
			proto.Merge(p, long)
			rewritePayload(p)
			return
		}
		var value any
		if json.Unmarshal(p.GetData(), &value) != nil {
			return
		}
		if text, err := json.Marshal(withoutEmptyLists(value)); err == nil {
			p.Data = text
		}
	}
}

// parseLongForm parses a JSON object that only one side treats as a payload in the long
// form, with metadata and data, while the other side treats it as a value. Such an object
// has externalPayloads, or has the encoding binary/null and no data.
func parseLongForm(data []byte) (*common.Payload, bool) {
	var members map[string]any
	if json.Unmarshal(data, &members) != nil {
		return nil, false
	}
	metadata, _ := members["metadata"].(map[string]any)
	if members["data"] == nil && metadata["encoding"] == nullInBase64 {
		return &common.Payload{Metadata: map[string][]byte{"encoding": []byte("binary/null")}}, true
	}
	_, camel := members["externalPayloads"]
	_, snake := members["external_payloads"]
	long := &common.Payload{}
	return long, (camel || snake) && metadata["encoding"] != nil && protojson.Unmarshal(data, long) == nil
}

// nullInBase64 is "binary/null" in base64.
const nullInBase64 = "YmluYXJ5L251bGw="

// withoutEmptyLists replaces empty lists by null, and -0 by 0, as Temporal's HTTP
// API does.
func withoutEmptyLists(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			v[name] = withoutEmptyLists(v[name])
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
		for i := range v {
			v[i] = withoutEmptyLists(v[i])
		}
	case float64:
		return v + 0 // -0 + 0 is 0
	}
	return value
}

// reconcileTypedPayload reports whether the upstream's response contains a payload in an
// Any, which Temporal's HTTP API returns without its type. If so, it makes the results
// equal.
func reconcileTypedPayload(p *pair) bool {
	if p.door.calls == 0 || !containsPayload(p.returned()) || !p.roundTrips() {
		return false
	}
	p.temporal = p.door
	return true
}

func containsPayload(of proto.Message) bool {
	found := false
	walk(of.ProtoReflect(), func(m protoreflect.Message) {
		if packed, ok := m.Interface().(*anypb.Any); ok {
			inner, err := packed.UnmarshalNew()
			found = found || strings.HasPrefix(string(packed.MessageName()), "temporal.api.common.v1.Payload") || err == nil && containsPayload(inner)
		}
	})
	return found
}

// reconcileReturnedPayloads reports whether the responses differ, contain payloads, and the
// door's response can be parsed back to the upstream's. If so, it replaces both responses
// by those to a second request, for which the upstream returns a simple value in every
// payload. Both sides encode that value equally, so the rest can be compared.
func reconcileReturnedPayloads(p *pair) bool {
	if p.door.calls == 0 || p.temporal.calls == 0 || p.temporal.status == p.door.status && sameJSON(p.temporal.body, p.door.body) {
		return false
	}
	c, found := *p.oracleCase, false
	simplify := func(payload *common.Payload) {
		found = true
		payload.Reset()
		payload.Metadata, payload.Data = map[string][]byte{"encoding": []byte("json/plain")}, []byte(`{"a":1}`)
	}
	c.response = proto.CloneOf(c.response)
	if c.failure == nil {
		changePayloads(c.response, simplify)
	} else {
		failed := c.failure.Proto()
		changePayloads(failed, simplify)
		c.failure = grpcstatus.FromProto(failed)
	}
	if !found || !p.roundTrips() {
		return false
	}
	second := p.repeat(&c)
	p.temporal.status, p.temporal.header, p.temporal.body = second.temporal.status, second.temporal.header, second.temporal.body
	p.door.status, p.door.header, p.door.body = second.door.status, second.door.header, second.door.body
	return true
}

// returned returns the message or the error status that the upstream returned.
func (c *oracleCase) returned() proto.Message {
	if c.failure != nil {
		return c.failure.Proto()
	}
	return c.response
}

// roundTrips reports whether the door's response can be parsed back to the message
// that the upstream returned.
func (p *pair) roundTrips() bool {
	from := p.returned()
	into := from.ProtoReflect().New().Interface()
	options := transcode.Options{LongPayloads: strings.Contains(p.door.header.Get("Content-Type"), "no-payload")}
	wire, err := transcode.NewPlans().Message(from.ProtoReflect().Descriptor()).AppendWire(nil, p.door.body, options)
	if err != nil || proto.Unmarshal(wire, into) != nil {
		return false
	}
	if strings.Contains(p.door.header.Get("Content-Type"), "pretty") { // values are indented too
		from = proto.CloneOf(from)
		changePayloads(from, compactPayload)
		changePayloads(into, compactPayload)
	}
	return proto.Equal(from, into) || string(protojsonOf(from)) == string(protojsonOf(into)) // in an Any, equal messages may have different bytes
}

func compactPayload(p *common.Payload) {
	var text bytes.Buffer
	if json.Compact(&text, p.GetData()) == nil {
		p.Data = text.Bytes()
	}
}

func protojsonOf(m proto.Message) []byte {
	text, err := protojson.Marshal(m)
	if err != nil {
		return nil
	}
	text, _ = canonicalJSON(text)
	return text
}

// hasNumberBeyondFloat64 reports whether a document has a number outside of the range
// of float64.
func hasNumberBeyondFloat64(text string) bool {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if number, ok := token.(json.Number); ok {
			if _, err := strconv.ParseFloat(number.String(), 64); err != nil {
				return true
			}
		}
	}
}
