package transcode

import (
	"io"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// Form says how Temporal's payloads are written and read.
type Form struct {
	// LongPayloads is protobuf's own JSON: metadata and data in base64. Else
	// payloads are Temporal's shorthand, their JSON itself, wherever that says
	// all there is.
	LongPayloads bool
	// MaxWire bounds the wire bytes that JSON becomes, which may be 15 times its
	// size; zero is no bound.
	MaxWire int
}

// AppendJSON appends the JSON of a message in wire form, of an object after the
// given first members, if any. Fields that the plan does not know are left out.
// Map entries are sorted by key.
func (m *Message) AppendJSON(dst, wire []byte, form Form, first []byte) ([]byte, error) {
	w := newJSONWriter(form)
	defer w.release()
	w.out, w.fast = dst, true
	err := w.document(m, wire, first)
	if err != nil { // untidy, or wrong in a part that a later one takes the place of
		w.out, w.runs, w.fast = dst, w.runs[:0], false
		err = w.document(m, wire, first)
	}
	if err != nil {
		return dst, messageError(m, err)
	}
	return w.out, nil
}

// WriteJSON is [Message.AppendJSON] that writes to to, in pieces, so that large
// messages need little memory. After an error, what was written is not whole.
func (m *Message) WriteJSON(to io.Writer, wire []byte, form Form, first []byte) error {
	w := newJSONWriter(form)
	defer w.release()
	w.to = to
	if err := w.document(m, wire, first); err != nil {
		return messageError(m, err)
	}
	return w.flush()
}

func (w *jsonWriter) document(m *Message, wire, first []byte) error {
	w.copyBudget = copyLimit(wire)
	if len(first) > 0 {
		return w.object(m, wire, 0, first)
	}
	return w.message(m, wire, 0)
}

// chunkBytes is how much is collected before it is written.
const chunkBytes = 64 << 10

// jsonWriter turns wire bytes into JSON.
type jsonWriter struct {
	form   Form
	out    []byte
	to     io.Writer // nil collects all in out
	runs   []run     // of all levels that are open
	pooled []byte    // the buffer of WriteJSON

	fast       bool // see quick
	inElement  bool // of a list that is written in pieces, which is written whole
	minutes    minuteCache
	flushed    int // pieces
	copyBudget int // bytes that may still be put in order, see chargeCopy
}

//nolint:gochecknoglobals // a pool is one for all
var jsonWriters = sync.Pool{New: func() any { return &jsonWriter{pooled: make([]byte, 0, 2*chunkBytes)} }}

func newJSONWriter(form Form) *jsonWriter {
	w, _ := jsonWriters.Get().(*jsonWriter)
	w.form, w.out, w.fast, w.inElement = form, w.pooled[:0], false, false
	return w
}

// release gives the writer back, without what was large or is the caller's.
func (w *jsonWriter) release() {
	const manyRuns = 4096
	if w.to != nil && cap(w.out) <= 4*chunkBytes {
		w.pooled = w.out[:0]
	}
	if cap(w.runs) > manyRuns {
		w.runs = nil
	}
	w.out, w.to, w.runs = nil, nil, w.runs[:0] // runs point at plans only, which live on
	jsonWriters.Put(w)
}

func (w *jsonWriter) flush() error {
	w.flushed++
	_, err := w.to.Write(w.out)
	w.out = w.out[:0]
	return err
}

// flushIfFull writes what is there, when it is a piece, and none of it will be taken
// back.
func (w *jsonWriter) flushIfFull() error {
	if w.to == nil || w.inElement || len(w.out) < chunkBytes {
		return nil
	}
	return w.flush()
}

// message writes a message of any form.
func (w *jsonWriter) message(m *Message, wire []byte, depth int) (err error) {
	if depth > maxDepth {
		return errDepth
	}
	switch m.form {
	case formPayload:
		if !w.form.LongPayloads {
			return w.payload(m, wire, depth)
		}
	case formPayloads:
		if !w.form.LongPayloads {
			if done, err := w.shorthands(wire); done || err != nil {
				return err
			}
		}
	case formTimestamp:
		w.out, err = w.timestamp(w.out, wire)
		return err
	case formDuration:
		w.out, err = w.duration(w.out, wire)
		return err
	case formWrapper:
		return w.wrapper(m, wire)
	case formAny:
		return w.any(m, wire, depth)
	case formLibrary:
		return w.library(m, wire)
	case formObject:
	}
	return w.object(m, wire, depth, nil)
}

// object writes a message as an object of its fields, after a first member if
// there is one.
func (w *jsonWriter) object(m *Message, wire []byte, depth int, first []byte) (err error) {
	if w.fast && !m.view && len(first) == 0 {
		w.out, err = w.fastObject(w.out, m, wire, depth)
		return err
	}
	w.out = append(append(w.out, '{'), first...)
	if _, err := w.members(m, wire, depth, len(first) > 0); err != nil {
		return err
	}
	w.out = append(w.out, '}')
	return nil
}

// encodeMembers writes the fields of a message, and reports whether what comes next
// needs a comma before it.
func (w *jsonWriter) members(m *Message, wire []byte, depth int, separate bool) (bool, error) {
	if depth > maxDepth {
		return separate, errDepth
	}
	if w.fast && !m.view {
		return w.fastMembers(m, wire, depth, separate)
	}
	l, err := w.pushFrame(m, wire)
	if err != nil {
		return separate, err
	}
	if m.view { // its order is the one that it was written in
		sortRuns(w.runs[l.first:l.last])
	}
	var shown intSet
	for i := l.first; i < l.last; i++ {
		r := w.runs[i]
		size, pieces := len(w.out), w.flushed
		if separate, err = w.member(r, l.wire[r.begin:r.end], depth, separate); err != nil {
			return separate, err
		}
		if m.view && (len(w.out) != size || w.flushed != pieces) { // see missing
			shown.add(r.field.index)
		}
		if err := w.flushIfFull(); err != nil {
			return separate, err
		}
	}
	w.runs = w.runs[:l.first]
	if m.view {
		return w.absentFields(m, &shown, depth, separate)
	}
	return separate, nil
}

// label writes a field's name.
func (w *jsonWriter) label(f *field, separate bool) {
	label := f.label
	if !separate {
		label = label[1:]
	}
	w.out = append(w.out, label...)
}

// member writes one field, unless it holds what is its default and says so by
// not being there. It reports whether what comes next needs a comma.
func (w *jsonWriter) member(r run, wire []byte, depth int, separate bool) (bool, error) {
	f, before := r.field, len(w.out)
	if r.multiple && f.message != nil && !f.repeated { // it will be merged
		if err := w.chargeCopy(wire); err != nil {
			return separate, err
		}
	}
	if f.inline {
		return w.members(f.message, mergedContent(wire, r.multiple), depth+1, separate)
	}
	if f.encodeMembers != nil {
		if separate {
			w.out = append(w.out, ',')
		}
		return w.customMembers(f, mergedContent(wire, r.multiple), before, separate)
	}
	w.label(f, separate)
	wrote, err := w.value(r, wire, depth)
	if err == nil && !wrote {
		w.out = w.out[:before]
		return separate, nil
	}
	return true, err
}

// customMembers lets a view's own code write a message.
func (w *jsonWriter) customMembers(f *field, content []byte, before int, separate bool) (bool, error) {
	begin := len(w.out)
	var err error
	if w.out, err = f.encodeMembers(w.out, content); err != nil {
		return separate, err
	}
	if len(w.out) == begin {
		w.out = w.out[:before]
		return separate, nil
	}
	return true, nil
}

// value writes a field's value; false leaves the field out.
func (w *jsonWriter) value(r run, wire []byte, depth int) (bool, error) {
	f := r.field
	switch {
	case f.key != nil:
		return true, w.entries(f, wire, depth)
	case f.repeated:
		some, err := w.list(f, wire, depth)
		return some || f.always, err
	case f.encodeValue != nil:
		var wrote bool
		var err error
		w.out, wrote, err = f.encodeValue(w.out, mergedContent(wire, r.multiple))
		return wrote, err
	case f.message != nil:
		content := mergedContent(wire, r.multiple)
		if f.omitZeroTime {
			return w.nonZeroTime(f.message, content)
		}
		before, flushed := len(w.out), w.flushed
		err := w.message(f.message, content, depth+1)
		empty := w.flushed == flushed && len(w.out) == before+len("{}")
		return !f.message.view || f.always || !empty, err // a view that shows nothing is not shown
	default:
		value := lastValue(wire, r.multiple)
		if !f.hasPresence && isDefault(f, value) && !f.always {
			return false, nil
		}
		_, err := w.scalar(f, value)
		return true, err
	}
}

// mergedContent gives the wire bytes of a message field: of several occurrences they
// are put together, which is what merging them means.
func mergedContent(wire []byte, several bool) []byte {
	if !several {
		return fieldContent(wire)
	}
	var all []byte
	for len(wire) > 0 {
		_, _, n := tagAt(wire, 0)
		value, size := protowire.ConsumeBytes(wire[n:])
		all = append(all, value...)
		wire = wire[n+size:]
	}
	return all
}

// fieldContent is what the first length-delimited field of wire holds. The tags and
// sizes in a run were checked when it was made.
func fieldContent(wire []byte) []byte {
	_, _, n := tagAt(wire, 0)
	value, _ := protowire.ConsumeBytes(wire[n:])
	return value
}

// lastValue is the value of a scalar field: of several, the last one counts.
func lastValue(wire []byte, several bool) []byte {
	for {
		number, wireType, n := tagAt(wire, 0)
		if !several {
			return wire[n:]
		}
		size := valueSize(wire[n:], number, wireType)
		if n+size == len(wire) {
			return wire[n:]
		}
		wire = wire[n+size:]
	}
}

// list writes a repeated field, and reports whether it has elements: packed
// ones may hold none.
func (w *jsonWriter) list(f *field, wire []byte, depth int) (some bool, err error) {
	w.out = append(w.out, '[')
	for len(wire) > 0 {
		number, wireType, n := tagAt(wire, 0)
		size := valueSize(wire[n:], number, wireType)
		value := wire[n : n+size]
		wire = wire[n+size:]
		if f.message == nil && wireType == protowire.BytesType && f.wireType != protowire.BytesType {
			if some, err = w.unpack(f, value, some); err != nil {
				return some, err
			}
			continue
		}
		before, others := len(w.out), some
		if some {
			w.out = append(w.out, ',')
		}
		some = true
		switch {
		case f.encodeValue != nil:
			var wrote bool
			if w.out, wrote, err = f.encodeValue(w.out, lengthDelimited(value)); err == nil && !wrote {
				w.out, some = w.out[:before], others
			}
		case f.message != nil:
			err = w.element(f.message, lengthDelimited(value), depth+1)
		default:
			_, err = w.scalar(f, value)
		}
		if err != nil {
			return some, err
		}
		if !some { // the list may have to be taken back
			continue
		}
		if err := w.flushIfFull(); err != nil {
			return some, err
		}
	}
	w.out = append(w.out, ']')
	return some, nil
}

// messageType writes an element of a list. Where the list is written in pieces, the
// element is not: it may have to be taken back.
func (w *jsonWriter) element(m *Message, wire []byte, depth int) error {
	if w.to == nil || w.inElement {
		return w.message(m, wire, depth)
	}
	begin, open := len(w.out), len(w.runs)
	w.inElement, w.fast = true, true
	err := w.message(m, wire, depth)
	if err != nil { // see AppendJSON
		w.out, w.runs, w.fast = w.out[:begin], w.runs[:open], false
		err = w.message(m, wire, depth)
	}
	w.inElement, w.fast = false, false
	return err
}

// unpack writes the elements of a packed field.
func (w *jsonWriter) unpack(f *field, value []byte, some bool) (bool, error) {
	packed := lengthDelimited(value)
	for len(packed) > 0 {
		if some {
			w.out = append(w.out, ',')
		}
		some = true
		n, err := w.scalar(f, packed)
		if err != nil {
			return some, err
		}
		packed = packed[n:]
	}
	return some, nil
}
