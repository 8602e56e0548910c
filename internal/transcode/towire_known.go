package transcode

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// timeOrDuration reads a Timestamp or a Duration.
func (w *wireWriter) timeOrDuration(m *Plan) error {
	value, err := w.in.ReadValue()
	if err != nil {
		return err
	}
	parse, reason := parseTimestamp, `must be a time such as "2026-01-31T12:00:00Z"`
	if m.form == formDuration {
		parse, reason = parseDuration, `must be a duration in seconds such as "1.5s"`
	}
	if value.Kind() != '"' {
		return invalidInput(reason)
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return err
	}
	seconds, nanos, ok := parse(string(text))
	if !ok {
		return invalidInput(reason)
	}
	w.out = appendSecondsNanos(w.out, seconds, nanos)
	return nil
}

// appendSecondsNanos appends the fields of a Timestamp or a Duration.
func appendSecondsNanos(dst []byte, seconds int64, nanos int32) []byte {
	if seconds != 0 {
		dst = protowire.AppendVarint(protowire.AppendTag(dst, 1, protowire.VarintType), uint64(seconds)) //nolint:gosec // two's complement
	}
	if nanos != 0 {
		dst = protowire.AppendVarint(protowire.AppendTag(dst, 2, protowire.VarintType), uint64(nanos)) //nolint:gosec,mnd // two's complement
	}
	return dst
}

// library reads a message with the protobuf library, which is slow. It is for
// messages that have a special JSON form and are rare, such as Struct.
func (w *wireWriter) library(m *Plan) error {
	value, err := w.in.ReadValue()
	if err != nil {
		return err
	}
	message := m.messageType.New().Interface()
	if err := (protojson.UnmarshalOptions{RecursionLimit: maxRequestDepth}).Unmarshal(value, message); err != nil {
		return invalidInput("is not a valid " + string(m.name))
	}
	w.out, err = proto.MarshalOptions{}.MarshalAppend(w.out, message)
	return err
}

// any reads an Any. The member @type need not be the first one.
func (w *wireWriter) any(m *Plan) error {
	value, err := w.in.ReadValue()
	if err != nil {
		return err
	}
	if value.Kind() != '{' {
		return invalidInput("must be an object")
	}
	value = value.Clone()
	url, members, err := anyTypeOf(value)
	if err != nil {
		return err
	}
	if url == "" {
		if members > 0 {
			return invalidInput(`needs a member "@type"`)
		}
		return nil
	}
	embedded := m.plans.byTypeURL(url)
	if embedded == nil {
		return invalidInput("the type " + quote(url) + " does not exist")
	}
	w.out = protowire.AppendTag(w.out, 1, protowire.BytesType)
	w.out = protowire.AppendString(w.out, url)
	w.out = protowire.AppendTag(w.out, 2, protowire.BytesType) //nolint:mnd // the field's number
	begin := len(w.out)
	if err := w.nested(value, func(inner *wireWriter) error { return inner.anyContent(embedded) }); err != nil {
		return err
	}
	w.prefixLength(begin)
	return nil
}

// anyContent reads the message that an Any embeds. The members of the message are
// either those of the Any, or those of its member "value".
func (w *wireWriter) anyContent(m *Plan) error {
	if w.depth++; w.depth > maxRequestDepth {
		return errDepth
	}
	if isInlinedInAny(m) {
		return w.object(m, true)
	}
	if _, err := w.in.ReadToken(); err != nil {
		return err
	}
	hasValue := m.name == emptyName // every other message needs a member "value"
	for w.in.PeekKind() == '"' {
		name, err := w.in.ReadToken()
		if err != nil {
			return err
		}
		switch name.String() {
		case "@type":
			err = w.in.SkipValue()
		case "value":
			hasValue = true
			err = w.message(m)
		default:
			err = invalidInput("is not a known field")
		}
		if err != nil {
			return err
		}
	}
	if !hasValue {
		return invalidInput(`needs a member "value"`)
	}
	return nil
}

// isInlinedInAny reports whether an Any has the members of the message as its
// own members, and not the message as its member "value".
func isInlinedInAny(m *Plan) bool {
	switch m.form {
	case formObject:
		return m.name != emptyName
	case formPayload, formPayloads:
		return true
	default:
		return false
	}
}

// anyTypeOf returns the type URL of an Any and the number of its members.
func anyTypeOf(value jsontext.Value) (url string, members int, err error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(value))
	if _, err := decoder.ReadToken(); err != nil {
		return "", 0, err
	}
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return "", 0, err
		}
		members++
		if name.String() != "@type" {
			if err := decoder.SkipValue(); err != nil {
				return "", 0, err
			}
			continue
		}
		typeURL, err := decoder.ReadToken()
		if err != nil {
			return "", 0, err
		}
		if typeURL.Kind() != '"' || typeURL.String() == "" {
			return "", 0, invalidInput("@type must be a type URL")
		}
		url = typeURL.String()
	}
	return url, members, nil
}

// emptyName is the name of the only message for which an Any may omit the member
// "value".
const emptyName = "google.protobuf.Empty"
