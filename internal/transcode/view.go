package transcode

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// ViewField is one field of a view: how it is shown, where that is not protobuf's
// JSON. A view shows the fields that it names and no others, 64-bit numbers as
// numbers, enums by their names without the prefix that they share, and leaves
// out times and durations that are zero, which Temporal writes for "not set", and
// durations below zero.
type ViewField struct {
	// Field is the field's name in the proto file.
	Field string
	// As is its name in JSON. Without one, a message's own members stand in its
	// place.
	As string
	// View is for messages: their fields. Without one they are shown as they are
	// outside of views.
	View []ViewField
	// Always shows the field when it is not there too, as its default.
	Always bool
	// Value writes a message, each element of a list and each value of a map
	// itself, from its wire form; false leaves it out.
	Value func(dst, wire []byte) ([]byte, bool, error)
	// Members writes a message as members of what is around it, without a comma
	// at either end.
	Members func(dst, wire []byte) ([]byte, error)
}

// View compiles a view of a message type. It panics when a field does not exist:
// views are written in code.
func (p *Plans) View(d protoreflect.MessageDescriptor, fields []ViewField) *Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.view(d, fields)
}

func (p *Plans) view(d protoreflect.MessageDescriptor, fields []ViewField) *Message {
	full := p.compile(d)
	m := &Message{plans: p, name: full.name, view: true, oneofs: full.oneofs}
	for i, shown := range fields {
		plain := full.byName[shown.Field]
		if plain == nil {
			panic(fmt.Sprintf("transcode: %s has no field %s", d.FullName(), shown.Field)) //nolint:forbidigo // views are written in code
		}
		f := *plain
		f.index, f.name, f.label = i, shown.As, labelOf(shown.As)
		f.always, f.numeric64, f.encodeValue, f.encodeMembers = shown.Always, true, shown.Value, shown.Members
		f.inline = shown.As == "" && shown.Members == nil
		f.omitZeroTime = f.message != nil && (f.message.form == formTimestamp || f.message.form == formDuration)
		p.viewNested(&f, d.Fields().ByName(protoreflect.Name(shown.Field)), shown)
		m.fields = append(m.fields, &f)
		m.addField(&f)
	}
	return m
}

// viewNested gives the messages and enums of a viewed field their views.
func (p *Plans) viewNested(f *field, d protoreflect.FieldDescriptor, shown ViewField) {
	switch {
	case d.IsMap():
		value := *f.value
		value.numeric64, value.encodeValue = true, shown.Value
		if shown.View != nil {
			value.message = p.view(d.MapValue().Message(), shown.View)
		}
		f.value = &value
	case d.Message() != nil && shown.View != nil:
		f.message = p.view(d.Message(), shown.View)
	case d.Enum() != nil:
		f.enum = f.enum.withoutPrefix(d.Enum())
	}
}

// withoutPrefix gives the enum with the names that clients see.
func (e *enum) withoutPrefix(d protoreflect.EnumDescriptor) *enum {
	prefix := strings.TrimSuffix(string(d.Values().ByNumber(0).Name()), "UNSPECIFIED")
	short := *e
	short.labels = map[int32][]byte{}
	values := d.Values()
	for i := range values.Len() {
		value := values.Get(i)
		name := strings.TrimPrefix(string(value.Name()), prefix)
		if value.Number() == 0 {
			name = "" // nothing is specified
		}
		if number := int32(value.Number()); short.labels[number] == nil {
			short.labels[number] = appendString(nil, name)
		}
	}
	short.alwaysString = true
	return short.indexLow()
}

// absentFields writes the fields of a view that are always shown and were not there.
func (w *jsonWriter) absentFields(m *Message, shown *intSet, depth int, separate bool) (bool, error) {
	for _, f := range m.fields {
		if !f.always || shown.add(f.index) {
			continue
		}
		if f.inline {
			var err error
			if separate, err = w.members(f.message, nil, depth+1, separate); err != nil {
				return separate, err
			}
			continue
		}
		w.label(f, separate)
		separate = true
		w.out = append(w.out, f.emptyJSON()...)
	}
	return separate, nil
}

// emptyJSON is a field's default as JSON.
func (f *field) emptyJSON() string {
	switch {
	case f.repeated:
		return "[]"
	case f.key != nil:
		return "{}"
	case f.message != nil, f.kind == protoreflect.StringKind, f.kind == protoreflect.BytesKind, f.enum != nil:
		return `""`
	case f.kind == protoreflect.BoolKind:
		return "false"
	default:
		return "0"
	}
}
