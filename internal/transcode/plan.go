package transcode

import (
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Plans compiles messages, once each. It is safe for concurrent use.
type Plans struct {
	mu       sync.Mutex
	messages map[protoreflect.FullName]*Message
}

// NewPlans makes an empty set of plans.
func NewPlans() *Plans { return &Plans{messages: map[protoreflect.FullName]*Message{}} }

// Message gives the plan of a message type.
func (p *Plans) Message(d protoreflect.MessageDescriptor) *Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.compile(d)
}

// byTypeURL gives the plan of the message that a type URL of an Any names, nil when
// it is not linked. Messages of proto2 are not: nothing of Temporal's is.
func (p *Plans) byTypeURL(url string) *Message {
	found, err := protoregistry.GlobalTypes.FindMessageByURL(url)
	if err != nil || found.Descriptor().Syntax() != protoreflect.Proto3 {
		return nil
	}
	return p.Message(found.Descriptor())
}

// Message is the plan of one message type.
type Message struct {
	plans *Plans
	name  protoreflect.FullName
	form  jsonForm
	view  bool // it shows some of the fields, in its own way

	fields      []*field
	low         [64]*field // by number, where it is small, as nearly all are
	high        map[protowire.Number]*field
	byName      map[string]*field // by both names, the JSON's and the proto's
	oneofs      int
	messageType protoreflect.MessageType // for what the library converts
}

// jsonForm tells the messages whose JSON is not an object of their fields.
type jsonForm uint8

const (
	formObject jsonForm = iota
	formTimestamp
	formDuration
	formWrapper // its JSON is that of its one field
	formAny
	formLibrary // rare, and converted by the protobuf library
	formPayload
	formPayloads
)

// field is one field of a message, or the key or value of a map.
type field struct {
	number        protowire.Number
	valueKind     valueKind // these come first, as the quick pass reads mostly them
	acceptedTypes uint8     // see takes
	kind          protoreflect.Kind
	wireType      protowire.Type // of one element
	repeated      bool
	packed        bool
	hasPresence   bool   // an explicit default is shown
	oneofBit      uint64 // of a oneof: a bit, which others may share
	label         []byte // the JSON name as it is written, with the comma before it and the colon
	message       *Message
	enum          *enum
	key           *field // of a map, with value

	index int    // among the message's
	oneof int    // 1 + its index, 0 for none
	name  string // of JSON
	proto string // of the proto file
	value *field // of a map
	tag   []byte // as it is written for one element

	// What only views have, see [ViewField].
	always, inline bool
	numeric64      bool // 64 bits as a number
	omitZeroTime   bool // a time or duration that is left out when it is zero, or a duration below zero
	encodeValue    func(dst, wire []byte) ([]byte, bool, error)
	encodeMembers  func(dst, wire []byte) ([]byte, error)
}

func (p *Plans) compile(d protoreflect.MessageDescriptor) *Message {
	if m, ok := p.messages[d.FullName()]; ok {
		return m
	}
	m := &Message{plans: p, name: d.FullName(), form: formOf(d.FullName()), byName: map[string]*field{}}
	p.messages[d.FullName()] = m // before its fields: messages nest in themselves
	if m.form == formLibrary {
		m.messageType, _ = protoregistry.GlobalTypes.FindMessageByName(m.name)
		return m
	}
	fields := d.Fields()
	for i := range fields.Len() {
		f := p.field(fields.Get(i))
		f.index = i
		m.fields = append(m.fields, f)
		m.addField(f)
		m.byName[f.name] = f
		m.byName[string(fields.Get(i).Name())] = f
	}
	m.oneofs = d.Oneofs().Len()
	return m
}

func formOf(name protoreflect.FullName) jsonForm {
	switch name {
	case "google.protobuf.Timestamp":
		return formTimestamp
	case "google.protobuf.Duration":
		return formDuration
	case "google.protobuf.Any":
		return formAny
	case "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue", "google.protobuf.FieldMask":
		return formLibrary
	case "google.protobuf.DoubleValue", "google.protobuf.FloatValue", "google.protobuf.Int64Value", "google.protobuf.UInt64Value",
		"google.protobuf.Int32Value", "google.protobuf.UInt32Value", "google.protobuf.BoolValue", "google.protobuf.StringValue",
		"google.protobuf.BytesValue":
		return formWrapper
	case "temporal.api.common.v1.Payload":
		return formPayload
	case "temporal.api.common.v1.Payloads":
		return formPayloads
	default:
		return formObject
	}
}

func (p *Plans) field(d protoreflect.FieldDescriptor) *field {
	f := &field{
		number: d.Number(), kind: d.Kind(), wireType: wireTypeOf(d.Kind()), name: d.JSONName(), proto: string(d.Name()),
		label: labelOf(d.JSONName()), repeated: d.IsList(), packed: d.IsPacked(), hasPresence: d.HasPresence(),
	}
	f.tag = protowire.AppendTag(nil, f.number, f.wireType)
	if oneof := d.ContainingOneof(); oneof != nil {
		f.oneof = 1 + oneof.Index()
		f.oneofBit = 1 << (oneof.Index() % 64) // those that share one are only written carefully
	}
	switch {
	case d.IsMap():
		f.key, f.value = p.field(d.MapKey()), p.field(d.MapValue())
	case d.Message() != nil:
		f.message = p.compile(d.Message())
	case d.Enum() != nil:
		f.enum = newEnum(d.Enum())
	}
	f.valueKind = valueKindOf(f)
	f.setAcceptedTypes()
	return f
}

func labelOf(name string) []byte { return append(appendString([]byte{','}, name), ':') }

func wireTypeOf(kind protoreflect.Kind) protowire.Type {
	switch kind {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	default:
		return protowire.VarintType
	}
}

// addField makes a field known by its number.
func (m *Message) addField(f *field) {
	if int(f.number) < len(m.low) {
		m.low[f.number] = f
		return
	}
	if m.high == nil {
		m.high = map[protowire.Number]*field{}
	}
	m.high[f.number] = f
}

// field gives the field of a number, nil for none.
func (m *Message) field(number protowire.Number) *field {
	if uint(number) < uint(len(m.low)) { //nolint:gosec // negative ones are large then
		return m.low[number]
	}
	return m.high[number]
}
