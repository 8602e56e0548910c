package transcodetest

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	_ "go.temporal.io/api/operatorservice/v1" // registers its messages
	_ "go.temporal.io/api/workflowservice/v1" // registers its messages
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb" // registers its message
	_ "google.golang.org/protobuf/types/known/wrapperspb"  // registers its messages
)

// LinkedMessageTypes returns the types of all messages of the linked Temporal API, and the
// well-known types of protobuf, sorted by name.
func LinkedMessageTypes(tb testing.TB) []protoreflect.MessageType {
	tb.Helper()
	var all []protoreflect.MessageType
	protoregistry.GlobalTypes.RangeMessages(func(m protoreflect.MessageType) bool {
		name, d := string(m.Descriptor().FullName()), m.Descriptor()
		if (strings.HasPrefix(name, "temporal.api.") || strings.HasPrefix(name, "google.protobuf.")) &&
			d.Syntax() == protoreflect.Proto3 && !d.IsMapEntry() {
			all = append(all, m)
		}
		return true
	})
	slices.SortFunc(all, func(a, b protoreflect.MessageType) int {
		return cmp.Compare(a.Descriptor().FullName(), b.Descriptor().FullName())
	})
	if len(all) < 500 {
		tb.Fatalf("only %d messages are linked", len(all))
	}
	return all
}

// Generator generates random messages that have a JSON form. The same seed
// generates the same messages.
type Generator struct {
	*rand.Rand
	embeddable []protoreflect.MessageType // the types of messages that an Any may embed
}

// NewGenerator returns a generator with the given seed.
func NewGenerator(tb testing.TB, seed uint64) *Generator {
	tb.Helper()
	g := &Generator{}
	g.Restart(seed)
	for _, m := range LinkedMessageTypes(tb) {
		switch m.Descriptor().FullName() {
		case "google.protobuf.Any", "google.protobuf.Value": // an empty one has no JSON form
		default:
			g.embeddable = append(g.embeddable, m)
		}
	}
	return g
}

// Restart resets g to the state of a new generator with the given seed.
func (g *Generator) Restart(seed uint64) { g.Rand = rand.New(rand.NewPCG(seed, 7)) }

// maxDepth is the depth beyond which a message gets no nested messages, except
// timestamps and maps.
const maxDepth = 5

// Message returns a random message of a type.
func (g *Generator) Message(messageType protoreflect.MessageType) protoreflect.Message {
	return g.message(messageType, 0)
}

func (g *Generator) message(messageType protoreflect.MessageType, depth int) protoreflect.Message {
	m := messageType.New()
	g.fill(m, depth)
	return m
}

func (g *Generator) fill(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	set := func(name protoreflect.Name, v any) { m.Set(fields.ByName(name), protoreflect.ValueOf(v)) }
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp": // of the years 1 to 9999
		set("seconds", g.Int64N(253402300799+62135596800)-62135596800)
		set("nanos", g.nanos())
		return
	case "google.protobuf.Duration": // of at most 10 000 years, forwards or backwards
		seconds, nanos := g.Int64N(2*315576000000)-315576000000, g.nanos()
		if seconds < 0 {
			nanos = -nanos
		}
		set("seconds", seconds)
		set("nanos", nanos)
		return
	case "google.protobuf.Any":
		// The embedded message is near the maximum depth, so that it is small.
		inner := g.message(g.embeddable[g.IntN(len(g.embeddable))], max(depth, maxDepth-1))
		wire, err := proto.Marshal(inner.Interface())
		if err != nil {
			panic(err) //nolint:forbidigo // the message is valid
		}
		set("type_url", "type.googleapis.com/"+string(inner.Descriptor().FullName()))
		set("value", wire)
		return
	case "temporal.api.common.v1.Payload":
		g.payload(m)
		return
	case "google.protobuf.FieldMask":
		for range g.IntN(3) {
			m.Mutable(fields.ByName("paths")).List().Append(protoreflect.ValueOf([]string{"a", "a_b.c_d", "foo1.bar"}[g.IntN(3)]))
		}
		return
	case "google.protobuf.Value":
		if depth > maxDepth {
			set("string_value", g.RandomText())
			return
		}
		switch field := fields.Get(g.IntN(fields.Len())); field.Kind() {
		case protoreflect.MessageKind:
			g.fill(m.Mutable(field).Message(), depth+1)
		case protoreflect.DoubleKind:
			m.Set(field, protoreflect.ValueOf(math.Round(1000*g.NormFloat64())))
		case protoreflect.EnumKind:
			m.Set(field, protoreflect.ValueOfEnum(0))
		default:
			m.Set(field, g.scalar(field))
		}
		return
	}
	fieldCount := 1 + g.IntN(6) // about the average number of fields to set
	for i := range fields.Len() {
		field := fields.Get(i)
		if g.IntN(fields.Len()) > fieldCount || depth > maxDepth && field.Message() != nil && !field.IsMap() && field.Message().FullName() != "google.protobuf.Timestamp" {
			continue
		}
		g.field(m, field, depth)
	}
}

// payload fills a payload. It always sets the encoding, as the SDKs do. Some of the data looks like a payload in JSON or
// has a member that the payload shorthand treats specially.
func (g *Generator) payload(m protoreflect.Message) {
	encoding := []string{"json/plain", "json/plain", "json/protobuf", "binary/null", "binary/plain", "custom"}[g.IntN(6)]
	data := []string{
		`{}`, `[]`, `1.10`, `12345678901234567890`, `{"b":1, "a":[1e400]}`, `"<&>\ud83d\ude00"`, `null`, `not JSON`, "",
		`{"metadata":{"encoding":"YQ=="},"data":"YQ=="}`, `{"_protoMessageType":1}`, `{"\u006detadata":{"encoding":"YmluYXJ5L251bGw="}}`,
		`{"metadata":{}}`,
	}[g.IntN(13)]
	if encoding == "binary/null" && g.IntN(4) > 0 {
		data = ""
	}
	fields := m.Descriptor().Fields()
	metadata := m.Mutable(fields.ByName("metadata")).Map()
	put := func(key, value string) {
		metadata.Set(protoreflect.ValueOf(key).MapKey(), protoreflect.ValueOf([]byte(value)))
	}
	put("encoding", encoding)
	if encoding == "json/protobuf" || g.IntN(8) == 0 {
		put("messageType", "a.B")
	}
	if g.IntN(8) == 0 {
		put("type", "Keyword")
	}
	if g.IntN(10) == 0 {
		details := m.Mutable(fields.ByName("external_payloads")).List().AppendMutable().Message()
		details.Set(details.Descriptor().Fields().ByName("size_bytes"), protoreflect.ValueOf(g.Int64()))
	}
	m.Set(fields.ByName("data"), protoreflect.ValueOf([]byte(data)))
}

func (g *Generator) field(m protoreflect.Message, field protoreflect.FieldDescriptor, depth int) {
	switch {
	case field.IsMap():
		for range g.IntN(4) {
			key := g.scalar(field.MapKey()).MapKey()
			if field.MapValue().Message() != nil {
				if depth <= maxDepth {
					g.fill(m.Mutable(field).Map().Mutable(key).Message(), depth+1)
				}
				continue
			}
			m.Mutable(field).Map().Set(key, g.scalar(field.MapValue()))
		}
	case field.IsList():
		for range g.IntN(4) {
			if field.Message() != nil {
				g.fill(m.Mutable(field).List().AppendMutable().Message(), depth+1)
				continue
			}
			m.Mutable(field).List().Append(g.scalar(field))
		}
	case field.Message() != nil:
		g.fill(m.Mutable(field).Message(), depth+1)
	default:
		m.Set(field, g.scalar(field))
	}
}

func (g *Generator) nanos() int32 {
	return []int32{0, 500_000_000, 123_456_000, 1, 999_999_999, 1_000}[g.IntN(6)]
}

// RandomText returns a random string, which may have characters that JSON must
// escape.
func (g *Generator) RandomText() string {
	return []string{"", "a", "<&>\u2028", "\"\\\n\x00\x1f\x7f", "äöü €😀", "NaN", "1", strings.Repeat("long ", 40), strconv.Itoa(g.Int())}[g.IntN(9)]
}

//nolint:gosec // any bits are valid
func (g *Generator) scalar(field protoreflect.FieldDescriptor) protoreflect.Value {
	choice := g.IntN(3) // selects a random, an extreme or a small value
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(g.IntN(2) == 0)
	case protoreflect.EnumKind:
		if choice == 0 {
			return protoreflect.ValueOfEnum(protoreflect.EnumNumber(g.Int32() - g.Int32()))
		}
		values := field.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(g.IntN(values.Len())).Number())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(g.RandomText())
	case protoreflect.BytesKind:
		data := make([]byte, g.IntN(6))
		for i := range data {
			data[i] = byte(g.Uint32())
		}
		return protoreflect.ValueOfBytes(data)
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32([]float32{0, 1, -1.5, math.MaxFloat32, float32(g.NormFloat64()), 1e-7, float32(math.Inf(1)), 1e21}[g.IntN(8)])
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64([]float64{0, 1, -1.5, math.MaxFloat64, g.NormFloat64(), 1e-7, math.Inf(-1), 1e21, 1e20}[g.IntN(9)])
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32([]int32{int32(g.Uint32()), math.MinInt32, int32(g.IntN(3))}[choice])
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32([]uint32{g.Uint32(), math.MaxUint32, uint32(g.IntN(3))}[choice])
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64([]uint64{g.Uint64(), math.MaxUint64, uint64(g.IntN(3))}[choice])
	default:
		return protoreflect.ValueOfInt64([]int64{int64(g.Uint64()), math.MinInt64, int64(g.IntN(3))}[choice])
	}
}
