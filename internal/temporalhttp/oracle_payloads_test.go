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

// payloads changes every payload of a message, those in an Any among them.
func payloads(of proto.Message, change func(*common.Payload)) {
	walk(of.ProtoReflect(), func(m protoreflect.Message) {
		switch m := m.Interface().(type) {
		case *common.Payload:
			change(m)
		case *anypb.Any:
			inner, err := m.UnmarshalNew()
			if err != nil {
				return
			}
			payloads(inner, change)
			if packed, err := anypb.New(inner); err == nil {
				m.Value = packed.GetValue()
			}
		}
	})
}

// storedByteForByte compares the payloads of two requests by what their JSON
// says to Temporal's HTTP API, which has read and written it anew.
func storedByteForByte(p *pair) bool {
	if p.temporal.calls == 0 || p.door.calls == 0 || proto.Equal(p.temporal.request, p.door.request) {
		return false
	}
	temporal, door := proto.CloneOf(p.temporal.request), proto.CloneOf(p.door.request)
	payloads(temporal, rewrite)
	payloads(door, rewrite)
	if !proto.Equal(temporal, door) {
		return false
	}
	p.temporal.request = p.door.request
	return true
}

// rewrite gives a payload as Temporal's HTTP API would have read it, had it read
// it as the door does.
func rewrite(p *common.Payload) {
	switch string(p.GetMetadata()["encoding"]) {
	case "binary/null": // of which Temporal reads nothing else
		p.Reset()
		p.Metadata = map[string][]byte{"encoding": []byte("binary/null")}
	case "json/plain", "json/protobuf":
		if long, ok := inLongForm(p.GetData()); ok {
			p.Reset()
			proto.Merge(p, long)
			rewrite(p)
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

// inLongForm reads JSON that one of the two has taken for a payload in the long
// form and the other for a value: it has references to data elsewhere, or says
// that it is null and more.
func inLongForm(data []byte) (*common.Payload, bool) {
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

// nullInBase64 is binary/null.
const nullInBase64 = "YmluYXJ5L251bGw="

// withoutEmptyLists makes null of empty lists, and 0 of -0, as Temporal's HTTP
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

// typedPayload reports whether an Any in what the upstream returned holds a
// payload, of which Temporal's HTTP API shows the value without the type.
func typedPayload(p *pair) bool {
	if p.door.calls == 0 || !holdsPayload(p.returned()) || !p.readsBack() {
		return false
	}
	p.temporal = p.door
	return true
}

func holdsPayload(of proto.Message) bool {
	found := false
	walk(of.ProtoReflect(), func(m protoreflect.Message) {
		if packed, ok := m.Interface().(*anypb.Any); ok {
			inner, err := packed.UnmarshalNew()
			found = found || strings.HasPrefix(string(packed.MessageName()), "temporal.api.common.v1.Payload") || err == nil && holdsPayload(inner)
		}
	})
	return found
}

// shownByteForByte sends a request once more whose response has plain payloads in
// the places of all others: what both sides make of that is compared. What the
// door showed of the payloads has to be read back as what they were.
func shownByteForByte(p *pair) bool {
	if p.door.calls == 0 || p.temporal.calls == 0 || p.temporal.status == p.door.status && sameJSON(p.temporal.body, p.door.body) {
		return false
	}
	c, found := *p.oracleCase, false
	plain := func(payload *common.Payload) {
		found = true
		payload.Reset()
		payload.Metadata, payload.Data = map[string][]byte{"encoding": []byte("json/plain")}, []byte(`{"a":1}`)
	}
	c.answer = proto.CloneOf(c.answer)
	if c.failure == nil {
		payloads(c.answer, plain)
	} else {
		failed := c.failure.Proto()
		payloads(failed, plain)
		c.failure = grpcstatus.FromProto(failed)
	}
	if !found || !p.readsBack() {
		return false
	}
	again := p.again(&c)
	p.temporal.status, p.temporal.header, p.temporal.body = again.temporal.status, again.temporal.header, again.temporal.body
	p.door.status, p.door.header, p.door.body = again.door.status, again.door.header, again.door.body
	return true
}

// returned is what the upstream has returned.
func (c *oracleCase) returned() proto.Message {
	if c.failure != nil {
		return c.failure.Proto()
	}
	return c.answer
}

// readsBack reports whether the door's response says all that the upstream's did.
func (p *pair) readsBack() bool {
	from := p.returned()
	into := from.ProtoReflect().New().Interface()
	form := transcode.Form{LongPayloads: strings.Contains(p.door.header.Get("Content-Type"), "no-payload")}
	wire, err := transcode.NewPlans().Message(from.ProtoReflect().Descriptor()).AppendWire(nil, p.door.body, form)
	if err != nil || proto.Unmarshal(wire, into) != nil {
		return false
	}
	if strings.Contains(p.door.header.Get("Content-Type"), "pretty") { // which values are too
		from = proto.CloneOf(from)
		payloads(from, compact)
		payloads(into, compact)
	}
	return proto.Equal(from, into) || string(protojsonOf(from)) == string(protojsonOf(into)) // an Any's bytes have more than one order
}

func compact(p *common.Payload) {
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
	text, _ = canonical(text)
	return text
}

// unfitNumber reports whether a document has a number that no float64 holds.
func unfitNumber(text string) bool {
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
