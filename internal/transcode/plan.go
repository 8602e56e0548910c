package transcode

import (
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Plans compiles message descriptors, each once, and caches the plans. It is
// safe for concurrent use.
type Plans struct {
	mu       sync.Mutex
	messages map[protoreflect.FullName]*Plan
}

// NewPlans returns an empty cache of plans.
func NewPlans() *Plans { return &Plans{messages: map[protoreflect.FullName]*Plan{}} }

// Message returns the plan of a message type.
func (p *Plans) Message(d protoreflect.MessageDescriptor) *Plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.compile(d)
}

// byTypeURL returns the plan of the message that the type URL of an Any names,
// or nil if the message is not linked into the binary or is not proto3.
// Temporal's API has no proto2 messages.
func (p *Plans) byTypeURL(url string) *Plan {
	found, err := protoregistry.GlobalTypes.FindMessageByURL(url)
	if err != nil || found.Descriptor().Syntax() != protoreflect.Proto3 {
		return nil
	}
	return p.Message(found.Descriptor())
}

// Plan is the plan of one message type.
type Plan struct {
	plans *Plans
	name  protoreflect.FullName
	form  jsonForm
	view  bool // the plan is a view, see [Plans.View]

	fields      []*field
	low         [64]*field                  // the fields with numbers below 64, by number
	high        map[protowire.Number]*field // the other fields
	byName      map[string]*field           // by JSON name and by proto name
	oneofs      int
	messageType protoreflect.MessageType // only for formLibrary
}

// jsonForm is the form that a message has in JSON.
type jsonForm uint8

const (
	formObject jsonForm = iota // an object of its fields
	formTimestamp
	formDuration
	formWrapper // the value of its one field
	formAny
	formLibrary // converted by the protobuf library, because the message is rare
	formPayload
	formPayloads
)

// field is one field of a message, or the key or value of a map.
type field struct {
	// The fast pass reads this group for each field.
	number        protowire.Number
	valueKind     valueKind
	acceptedTypes uint8 // a bit set, see acceptsWireType
	kind          protoreflect.Kind
	wireType      protowire.Type // of a single value, even if the field is packed
	repeated      bool
	packed        bool
	hasPresence   bool   // a default value is written when it is set explicitly
	oneofBit      uint64 // the bit of the field's oneof; oneofs whose indexes differ by 64 share a bit
	label         []byte // a comma, the quoted JSON name and a colon
	message       *Plan
	enum          *enum
	key           *field // the key of a map; nil if the field is not a map

	index     int    // in the message's fields
	oneof     int    // 1 + the index of the oneof, 0 for none
	name      string // the JSON name
	protoName string // the name in the proto file
	value     *field // the value of a map
	tag       []byte // the encoded tag of a single value

	// Only for the fields of views, see [ViewField].
	always, inline bool
	numeric64      bool // 64-bit integers are JSON numbers
	omitZeroTime   bool // times that are zero, and durations that are zero or negative, are omitted
	encodeValue    func(dst, wire []byte) ([]byte, bool, error)
	encodeMembers  func(dst, wire []byte) ([]byte, error)
}

func (p *Plans) compile(d protoreflect.MessageDescriptor) *Plan {
	if m, ok := p.messages[d.FullName()]; ok {
		return m
	}
	m := &Plan{plans: p, name: d.FullName(), form: formOf(d.FullName()), byName: map[string]*field{}}
	p.messages[d.FullName()] = m // cached before its fields are compiled, because messages may be recursive
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
		number: d.Number(), kind: d.Kind(), wireType: wireTypeOf(d.Kind()), name: d.JSONName(), protoName: string(d.Name()),
		label: labelOf(d.JSONName()), repeated: d.IsList(), packed: d.IsPacked(), hasPresence: d.HasPresence(),
	}
	f.tag = protowire.AppendTag(nil, f.number, f.wireType)
	if oneof := d.ContainingOneof(); oneof != nil {
		f.oneof = 1 + oneof.Index()
		f.oneofBit = 1 << (oneof.Index() % 64) // if two oneofs share a bit, the worst effect is a needless canonical pass
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

// addField adds a field to the index by number.
func (m *Plan) addField(f *field) {
	if int(f.number) < len(m.low) {
		m.low[f.number] = f
		return
	}
	if m.high == nil {
		m.high = map[protowire.Number]*field{}
	}
	m.high[f.number] = f
}

// field returns the field with a number, or nil if there is none.
func (m *Plan) field(number protowire.Number) *field {
	if uint(number) < uint(len(m.low)) { //nolint:gosec // negative numbers become large
		return m.low[number]
	}
	return m.high[number]
}
