package transcode

import (
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// readSecondsNanos reads the fields of a Timestamp or a Duration.
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
		switch number { //nolint:exhaustive // the constants are limits of protobuf, not field numbers
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

// nonZeroTime writes a time or duration of a view, without trailing zeros. If
// the value means "not set", it writes nothing and returns false. Such values
// are zero, Go's zero time and a negative duration, which Temporal stores for a
// run that closed before it began.
func (w *jsonWriter) nonZeroTime(m *Plan, wire []byte) (bool, error) {
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

// wrapper writes a wrapper message, such as Int32Value, as its value, even if
// the value is the default.
func (w *jsonWriter) wrapper(m *Plan, wire []byte) error {
	f := m.fields[0]
	fr, err := w.pushFrame(m, wire)
	if err != nil {
		return err
	}
	value := zeroValue(f)
	if fr.first < fr.last {
		r := w.runs[fr.first]
		value = lastValue(fr.wire[r.begin:r.end], r.multiple)
	}
	w.runs = w.runs[:fr.first]
	_, err = w.scalar(f, value)
	return err
}

// library writes a message with the protobuf library, which is slow. It is for
// messages that have a special JSON form and are rare, such as Struct.
func (w *jsonWriter) library(m *Plan, wire []byte) error {
	message := m.messageType.New().Interface()
	if err := (proto.UnmarshalOptions{RecursionLimit: maxDepth}).Unmarshal(wire, message); err != nil {
		return errWire
	}
	text, err := protojson.Marshal(message)
	if err != nil {
		return errNoJSON
	}
	value := jsontext.Value(text)
	if err := value.Compact(); err != nil { // the library adds white space at random
		return err
	}
	w.out = append(w.out, value...)
	return nil
}

// any writes an Any: the type URL, and then the members of the embedded message.
// If the JSON of the embedded message is not an object, it becomes the member
// "value". For an unknown type, "value" has the wire form in base64.
func (w *jsonWriter) any(m *Plan, wire []byte, depth int) error {
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
	embedded := m.plans.byTypeURL(string(url))
	if embedded != nil && (isInlinedInAny(embedded) || embedded.name == emptyName) { // protojson omits the value of an Empty
		return w.object(embedded, inner, depth+1, head)
	}
	w.out = append(append(append(w.out, '{'), head...), `,"value":`...)
	if embedded == nil {
		w.out = appendBase64(w.out, inner)
	} else if err := w.message(embedded, inner, depth+1); err != nil {
		return err
	}
	w.out = append(w.out, '}')
	return nil
}

// anyParts reads the two fields of an Any, the type URL and the value.
func (w *jsonWriter) anyParts(m *Plan, wire []byte) (url, value []byte, err error) {
	fr, err := w.pushFrame(m, wire)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range w.runs[fr.first:fr.last] {
		last := lengthDelimited(lastValue(fr.wire[r.begin:r.end], r.multiple))
		if r.field.number == 1 {
			url = last
		} else {
			value = last
		}
	}
	w.runs = w.runs[:fr.first]
	return url, value, nil
}
