package transcode

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// timeOrDuration reads a time or a duration.
func (w *wireWriter) timeOrDuration(m *Message) error {
	value, err := w.in.ReadValue()
	if err != nil {
		return err
	}
	parse, otherwise := parseTimestamp, `must be a time such as "2026-01-31T12:00:00Z"`
	if m.form == formDuration {
		parse, otherwise = parseDuration, `must be a duration in seconds such as "1.5s"`
	}
	if value.Kind() != '"' {
		return invalidInput(otherwise)
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return err
	}
	seconds, nanos, ok := parse(string(text))
	if !ok {
		return invalidInput(otherwise)
	}
	w.out = appendSecondsNanos(w.out, seconds, nanos)
	return nil
}

// appendSecondsNanos writes the two fields of Timestamp and Duration.
func appendSecondsNanos(dst []byte, seconds int64, nanos int32) []byte {
	if seconds != 0 {
		dst = protowire.AppendVarint(protowire.AppendTag(dst, 1, protowire.VarintType), uint64(seconds)) //nolint:gosec // two's complement
	}
	if nanos != 0 {
		dst = protowire.AppendVarint(protowire.AppendTag(dst, 2, protowire.VarintType), uint64(nanos)) //nolint:gosec,mnd // two's complement
	}
	return dst
}

// library reads a message as the protobuf library does, for those that are rare
// and whose JSON is peculiar.
func (w *wireWriter) library(m *Message) error {
	value, err := w.in.ReadValue()
	if err != nil {
		return err
	}
	built := m.messageType.New().Interface()
	if err := (protojson.UnmarshalOptions{RecursionLimit: maxRequestDepth}).Unmarshal(value, built); err != nil {
		return invalidInput("is not a valid " + string(m.name))
	}
	w.out, err = proto.MarshalOptions{}.MarshalAppend(w.out, built)
	return err
}

// any reads an Any, whose type may stand anywhere among its members.
func (w *wireWriter) any(m *Message) error {
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
	of := m.plans.byTypeURL(url)
	if of == nil {
		return invalidInput("there is no type " + quote(url))
	}
	w.out = protowire.AppendTag(w.out, 1, protowire.BytesType)
	w.out = protowire.AppendString(w.out, url)
	w.out = protowire.AppendTag(w.out, 2, protowire.BytesType) //nolint:mnd // the field's number
	begin := len(w.out)
	if err := w.nested(value, func(inner *wireWriter) error { return inner.anyContent(of) }); err != nil {
		return err
	}
	w.prefixLength(begin)
	return nil
}

// anyContent reads the message in an Any: its own members, or its value.
func (w *wireWriter) anyContent(of *Message) error {
	if w.depth++; w.depth > maxRequestDepth {
		return errDepth
	}
	if isInlinedInAny(of) {
		return w.object(of, true)
	}
	if _, err := w.in.ReadToken(); err != nil {
		return err
	}
	given := of.name == emptyName // others need a value
	for w.in.PeekKind() == '"' {
		name, err := w.in.ReadToken()
		if err != nil {
			return err
		}
		switch name.String() {
		case "@type":
			err = w.in.SkipValue()
		case "value":
			given = true
			err = w.message(of)
		default:
			err = invalidInput("is not a known field")
		}
		if err != nil {
			return err
		}
	}
	if !given {
		return invalidInput(`needs a member "value"`)
	}
	return nil
}

// isInlinedInAny tells the messages whose members stand in an Any themselves.
func isInlinedInAny(m *Message) bool {
	switch m.form {
	case formObject:
		return m.name != emptyName
	case formPayload, formPayloads:
		return true
	default:
		return false
	}
}

// anyTypeOf finds the type of an Any.
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
		of, err := decoder.ReadToken()
		if err != nil {
			return "", 0, err
		}
		if of.Kind() != '"' || of.String() == "" {
			return "", 0, invalidInput("@type must be the name of a type")
		}
		url = of.String()
	}
	return url, members, nil
}

// emptyName is the message that in an Any is read with a value, and without.
const emptyName = "google.protobuf.Empty"
