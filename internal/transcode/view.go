package transcode

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// ViewField describes one field of a view. A view contains the fields that it
// lists and no others. It differs from ProtoJSON in three ways: 64-bit integers
// are JSON numbers, the names of enum values lack the prefix that they share,
// and times and durations that are zero are omitted, because Temporal writes
// zero for "not set". Negative durations are omitted too.
type ViewField struct {
	// Field is the field's name in the proto file.
	Field string
	// As is the field's name in JSON. If it is empty, the members of the
	// message are written into the enclosing object.
	As string
	// View lists the fields of a message field. If it is nil, the nested message
	// is written as ProtoJSON.
	View []ViewField
	// Always writes the field's default value when the field is absent.
	Always bool
	// Value, if set, appends the JSON of a message, of each element of a list
	// or of each value of a map, from its wire form. It returns false to omit
	// the message, element or entry.
	Value func(dst, wire []byte) ([]byte, bool, error)
	// Members, if set, appends the JSON of a message as members of the
	// enclosing object, without a comma at either end.
	Members func(dst, wire []byte) ([]byte, error)
}

// View returns a plan of a message type with only the given fields, in the
// given order. It panics if a field does not exist, because views are constants
// of the program.
func (p *Plans) View(d protoreflect.MessageDescriptor, fields []ViewField) *Plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.view(d, fields)
}

func (p *Plans) view(d protoreflect.MessageDescriptor, fields []ViewField) *Plan {
	full := p.compile(d)
	m := &Plan{plans: p, name: full.name, view: true, oneofs: full.oneofs}
	for i, vf := range fields {
		original := full.byName[vf.Field]
		if original == nil {
			panic(fmt.Sprintf("transcode: %s has no field %s", d.FullName(), vf.Field)) //nolint:forbidigo // views are constants of the program
		}
		f := *original
		f.index, f.name, f.label = i, vf.As, labelOf(vf.As)
		f.always, f.numeric64, f.encodeValue, f.encodeMembers = vf.Always, true, vf.Value, vf.Members
		f.inline = vf.As == "" && vf.Members == nil
		f.omitZeroTime = f.message != nil && (f.message.form == formTimestamp || f.message.form == formDuration)
		p.applyNestedView(&f, d.Fields().ByName(protoreflect.Name(vf.Field)), vf)
		m.fields = append(m.fields, &f)
		m.addField(&f)
	}
	return m
}

// applyNestedView applies the view to the messages and enums of a field.
func (p *Plans) applyNestedView(f *field, d protoreflect.FieldDescriptor, vf ViewField) {
	switch {
	case d.IsMap():
		value := *f.value
		value.numeric64, value.encodeValue = true, vf.Value
		if vf.View != nil {
			value.message = p.view(d.MapValue().Message(), vf.View)
		}
		f.value = &value
	case d.Message() != nil && vf.View != nil:
		f.message = p.view(d.Message(), vf.View)
	case d.Enum() != nil:
		f.enum = f.enum.withoutPrefix(d.Enum())
	}
}

// withoutPrefix returns a copy of the enum whose labels lack the prefix that all
// values share: COMPLETED for WORKFLOW_EXECUTION_STATUS_COMPLETED. The prefix is
// the name of the zero value without UNSPECIFIED. The zero value's own label is
// empty.
func (e *enum) withoutPrefix(d protoreflect.EnumDescriptor) *enum {
	prefix := strings.TrimSuffix(string(d.Values().ByNumber(0).Name()), "UNSPECIFIED")
	short := *e
	short.labels = map[int32][]byte{}
	values := d.Values()
	for i := range values.Len() {
		value := values.Get(i)
		name := strings.TrimPrefix(string(value.Name()), prefix)
		if value.Number() == 0 {
			name = ""
		}
		if number := int32(value.Number()); short.labels[number] == nil { // of several names for one number, the first counts
			short.labels[number] = appendString(nil, name)
		}
	}
	short.alwaysString = true
	return short.indexLow()
}

// absentFields writes the Always fields that are not in written, with their
// default values. It reports whether the next member needs a comma.
func (w *jsonWriter) absentFields(m *Plan, written *intSet, depth int, needComma bool) (bool, error) {
	for _, f := range m.fields {
		if !f.always || written.add(f.index) {
			continue
		}
		if f.inline {
			var err error
			if needComma, err = w.members(f.message, nil, depth+1, needComma); err != nil {
				return needComma, err
			}
			continue
		}
		w.label(f, needComma)
		needComma = true
		w.out = append(w.out, f.emptyJSON()...)
	}
	return needComma, nil
}

// emptyJSON returns the JSON of a field's default value.
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
