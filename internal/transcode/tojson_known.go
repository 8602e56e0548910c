package transcode

import (
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// timeOrDuration reads the seconds and nanoseconds that Timestamp and Duration have
// alike.
func readSecondsNanos(wire []byte) (seconds, nanos int64, err error) {
	for at := 0; at < len(wire); {
		number, wireType, n := tagAt(wire, at)
		if n < 0 {
			return 0, 0, errWire
		}
		at += n
		if wireType != protowire.VarintType {
			size := valueSize(wire[at:], number, wireType)
			if size < 0 {
				return 0, 0, errWire
			}
			at += size
			continue
		}
		v, size := varintAt(wire, at)
		if size < 0 {
			return 0, 0, errWire
		}
		at += size
		switch number { //nolint:exhaustive // two fields, and none of protobuf's own bounds
		case 1:
			seconds = int64(v) //nolint:gosec // two's complement
		case 2:
			nanos = int64(int32(v)) //nolint:gosec // two's complement
		}
	}
	return seconds, nanos, nil
}

func (w *jsonWriter) timestamp(dst, wire []byte) ([]byte, error) {
	seconds, nanos, err := readSecondsNanos(wire)
	if err != nil {
		return dst, err
	}
	return w.minutes.append(dst, seconds, nanos, appendNanos)
}

func (w *jsonWriter) duration(dst, wire []byte) ([]byte, error) {
	seconds, nanos, err := readSecondsNanos(wire)
	if err != nil {
		return dst, err
	}
	return appendDuration(dst, seconds, nanos, appendNanos)
}

// nonZeroTime writes a time or a duration of a view, with no more digits than it
// needs, unless nobody has set it: it is zero then, or Go's zero time. A
// duration below zero is none: that of a run which closed before it began.
func (w *jsonWriter) nonZeroTime(m *Message, wire []byte) (bool, error) {
	seconds, nanos, err := readSecondsNanos(wire)
	if err != nil || nanos == 0 && (seconds == 0 || m.form == formTimestamp && seconds == minTimestamp) {
		return false, err
	}
	if m.form == formDuration && (seconds < 0 || nanos < 0) {
		return false, nil
	}
	if m.form == formTimestamp {
		w.out, err = w.minutes.append(w.out, seconds, nanos, appendTrimmedNanos)
	} else {
		w.out, err = appendDuration(w.out, seconds, nanos, appendTrimmedNanos)
	}
	return true, err
}

// wrapper writes a wrapper as its value: it is there even when it is a default.
func (w *jsonWriter) wrapper(m *Message, wire []byte) error {
	f := m.fields[0]
	l, err := w.pushFrame(m, wire)
	if err != nil {
		return err
	}
	value := zeroValue(f)
	if l.first < l.last {
		r := w.runs[l.first]
		value = lastValue(l.wire[r.begin:r.end], r.multiple)
	}
	w.runs = w.runs[:l.first]
	_, err = w.scalar(f, value)
	return err
}

// library writes a message as the protobuf library does, for those that are
// rare and whose JSON is peculiar.
func (w *jsonWriter) library(m *Message, wire []byte) error {
	built := m.messageType.New().Interface()
	if err := (proto.UnmarshalOptions{RecursionLimit: maxDepth}).Unmarshal(wire, built); err != nil {
		return errWire
	}
	text, err := protojson.Marshal(built)
	if err != nil {
		return errNoJSON
	}
	value := jsontext.Value(text)
	if err := value.Compact(); err != nil { // the library's white space is random
		return err
	}
	w.out = append(w.out, value...)
	return nil
}

// any writes an Any: the message's own members after its type's name, or the
// value of what is no object. One of a type that nobody knows here is shown as
// what it is on the wire.
func (w *jsonWriter) any(m *Message, wire []byte, depth int) error {
	url, inner, err := w.anyParts(m, wire)
	if err != nil {
		return err
	}
	if len(url) == 0 {
		if len(inner) > 0 {
			return errNoJSON
		}
		w.out = append(w.out, '{', '}')
		return nil
	}
	head, ok := appendText([]byte(`"@type":`), url)
	if !ok {
		return errInvalidUTF8
	}
	of := m.plans.byTypeURL(string(url))
	if of != nil && (isInlinedInAny(of) || of.name == emptyName) { // the library leaves the value of an Empty out
		return w.object(of, inner, depth+1, head)
	}
	w.out = append(append(append(w.out, '{'), head...), `,"value":`...)
	if of == nil {
		w.out = appendBase64(w.out, inner)
	} else if err := w.message(of, inner, depth+1); err != nil {
		return err
	}
	w.out = append(w.out, '}')
	return nil
}

// anyParts reads the two fields of an Any.
func (w *jsonWriter) anyParts(m *Message, wire []byte) (url, value []byte, err error) {
	l, err := w.pushFrame(m, wire)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range w.runs[l.first:l.last] {
		last := lengthDelimited(lastValue(l.wire[r.begin:r.end], r.multiple))
		if r.field.number == 1 {
			url = last
		} else {
			value = last
		}
	}
	w.runs = w.runs[:l.first]
	return url, value, nil
}
