package transcode

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Parameter is a field of a message, at any depth, that a path or query
// parameter sets.
type Parameter struct {
	// Path is the dotted path of the field, in proto names.
	Path string

	fields []*field
}

// Parameter returns the field at a path such as execution.workflow_id. It
// returns false if there is no such field, or if the field is a map.
func (m *Plan) Parameter(path string) (Parameter, bool) {
	p, _, ok := m.parameter(path)
	return p, ok
}

// parameter resolves a path of proto or JSON names. If the last name is that of
// a map, the key of an entry must follow it in brackets.
func (m *Plan) parameter(path string) (p Parameter, key string, ok bool) {
	path, rest, hasKey := strings.Cut(path, "[")
	if hasKey {
		if key, hasKey = strings.CutSuffix(rest, "]"); !hasKey {
			return p, "", false
		}
	}
	names := strings.Split(path, ".")
	for i, name := range names {
		if m == nil || m.form != formObject {
			return p, "", false
		}
		f := m.byName[name]
		if f == nil || i < len(names)-1 && (f.repeated || f.key != nil || f.message == nil) {
			return p, "", false
		}
		p.fields = append(p.fields, f)
		names[i] = f.protoName
		m = f.message
	}
	p.Path = strings.Join(names, ".")
	return p, key, hasKey == (p.last().key != nil)
}

func (p Parameter) last() *field { return p.fields[len(p.fields)-1] }

// ParentsPresent reports whether all messages that enclose the field are set in the
// given message, which is in wire form.
func (p Parameter) ParentsPresent(message []byte) bool {
	for _, f := range p.fields[:len(p.fields)-1] {
		var inner []byte
		found := false
		for number, value := range Fields(message) {
			if number == f.number { // occurrences are merged
				inner, found = append(inner, value...), true
			}
		}
		if !found {
			return false
		}
		message = inner
	}
	return true
}

// AppendValue parses the text of a path or query parameter, and appends the
// field with this value in wire form, inside the messages that enclose it.
// Protobuf decoders merge these messages with those that dst has already. The
// error is an [InputError].
func (p Parameter) AppendValue(dst []byte, text string) ([]byte, error) {
	value, err := textValue(p.last(), text)
	if err != nil {
		return dst, &InputError{Reason: err.Error()}
	}
	return p.wrap(dst, append(slices.Clone(p.last().tag), value...)), nil
}

// wrap appends a field inside the messages that enclose it.
func (p Parameter) wrap(dst, inner []byte) []byte {
	for i := len(p.fields) - 2; i >= 0; i-- {
		inner = protowire.AppendBytes(slices.Clone(p.fields[i].tag), inner)
	}
	return append(dst, inner...)
}

// AppendQuery appends the fields that a query string sets, by the rules of
// google.api.http: names are dotted paths of proto or JSON names, and a
// repeated field may be sent several times. It ignores the names of unknown
// fields, and the fields in bound, which the URL path sets. The error is an
// [InputError] whose pointer is a question mark and the parameter's name.
func (m *Plan) AppendQuery(dst []byte, query url.Values, bound []Parameter) ([]byte, error) {
	var seen map[string]bool
	for _, name := range slices.Sorted(maps.Keys(query)) {
		p, key, ok := m.parameter(name)
		if !ok || slices.ContainsFunc(bound, func(b Parameter) bool { return covers(b.Path, p.Path) }) {
			continue
		}
		values, f := query[name], p.last()
		id := p.Path + "[" + key // does not depend on the kind of names, proto or JSON
		if !f.repeated && (len(values) > 1 || seen[id]) {
			return dst, &InputError{Pointer: "?" + name, Reason: "must be given once"}
		}
		if seen == nil {
			seen = map[string]bool{}
		}
		seen[id] = true
		for _, text := range values {
			var err error
			if f.key != nil {
				dst, err = p.appendEntry(dst, key, text)
			} else {
				dst, err = p.AppendValue(dst, text)
			}
			if err != nil {
				return dst, &InputError{Pointer: "?" + name, Reason: err.Error()}
			}
		}
	}
	return dst, nil
}

// covers reports whether a path is the bound path, or lies inside it.
func covers(bound, path string) bool {
	return path == bound || strings.HasPrefix(path, bound+".")
}

func (p Parameter) appendEntry(dst []byte, key, text string) ([]byte, error) {
	f := p.last()
	keyValue, err := textValue(f.key, key)
	if err != nil {
		return dst, err
	}
	value, err := textValue(f.value, text)
	if err != nil {
		return dst, err
	}
	entry := slices.Concat(f.key.tag, keyValue, f.value.tag, value)
	return p.wrap(dst, protowire.AppendBytes(slices.Clone(f.tag), entry)), nil
}

// textValue converts the text of a parameter to the wire value of a field,
// without the tag.
func textValue(f *field, text string) ([]byte, error) {
	if f.message != nil {
		value, err := textMessage(f.message, text)
		return protowire.AppendBytes(nil, value), err
	}
	switch f.kind {
	case protoreflect.StringKind:
		if !utf8.ValidString(text) {
			return nil, invalidInput("must be UTF-8")
		}
		return protowire.AppendString(nil, text), nil
	case protoreflect.BytesKind:
		data, err := base64Encoding([]byte(text)).DecodeString(text)
		if err != nil {
			return nil, invalidInput("must be base64")
		}
		return protowire.AppendBytes(nil, data), nil
	case protoreflect.BoolKind:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return nil, invalidInput("must be true or false")
		}
		return protowire.AppendVarint(nil, protowire.EncodeBool(v)), nil
	case protoreflect.EnumKind:
		return textEnum(f.enum, text)
	default:
		if v, err := strconv.ParseInt(text, 10, 64); err == nil { // as in grpc-gateway, which accepts 02 and +2
			text = strconv.FormatInt(v, 10)
		}
		var w wireWriter
		err := w.number(f.kind, text)
		return w.out, err
	}
}

func textEnum(e *enum, text string) ([]byte, error) {
	number, ok := e.number(text)
	if !ok {
		v, err := strconv.ParseInt(text, 10, 32)
		if _, known := e.labels[int32(v)]; err != nil || !known {
			return nil, invalidInput("has no value " + quote(text))
		}
		number = int32(v)
	}
	return protowire.AppendVarint(nil, uint64(number)), nil //nolint:gosec // negative numbers take ten bytes
}

// textMessage converts text to the wire form of a message that a query
// parameter can set, such as a Timestamp.
func textMessage(m *Plan, text string) ([]byte, error) {
	switch m.form {
	case formTimestamp:
		if seconds, nanos, ok := parseTimestamp(text); ok {
			return appendSecondsNanos(nil, seconds, nanos), nil
		}
		return nil, invalidInput(`must be a time such as "2026-01-31T12:00:00Z"`)
	case formDuration:
		if seconds, nanos, ok := parseDuration(text); ok {
			return appendSecondsNanos(nil, seconds, nanos), nil
		}
		if d, err := time.ParseDuration(text); err == nil { // as in grpc-gateway
			return appendSecondsNanos(nil, int64(d/time.Second), int32(d%time.Second)), nil
		}
		return nil, invalidInput(`must be a duration such as "1.5s"`)
	case formWrapper:
		f := m.fields[0]
		value, err := textValue(f, text)
		return append(slices.Clone(f.tag), value...), err
	case formLibrary:
		if m.name == "google.protobuf.FieldMask" {
			if !utf8.ValidString(text) {
				return nil, invalidInput("must be UTF-8")
			}
			var mask []byte
			for path := range strings.SplitSeq(text, ",") {
				mask = protowire.AppendString(protowire.AppendTag(mask, 1, protowire.BytesType), path)
			}
			return mask, nil
		}
	case formObject, formAny, formPayload, formPayloads:
	}
	return nil, invalidInput("cannot be set in a query string")
}
