package transcode

import (
	"io"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// Options has the options of a conversion.
type Options struct {
	// LongPayloads selects the long form, which is ProtoJSON: metadata and data
	// in base64. Otherwise a payload has Temporal's shorthand, which is its
	// JSON itself, wherever the shorthand loses nothing.
	LongPayloads bool
	// MaxWire limits the size of the wire bytes that JSON is converted to; zero
	// means no limit. Wire bytes may be 15 times as long as their JSON.
	MaxWire int
}

// AppendJSON appends the JSON of a message in wire form. If first is not empty,
// it has the first members of the JSON object, without braces and without a
// final comma. Fields that are not in the plan are omitted. Map entries
// are sorted by key.
func (m *Plan) AppendJSON(dst, wire []byte, options Options, first []byte) ([]byte, error) {
	w := newJSONWriter(options)
	defer w.release()
	w.out, w.fast = dst, true
	err := w.document(m, wire, first)
	// The fast pass also fails for valid messages: those that are not in canonical order, and those with an invalid
	// occurrence of a field that a later occurrence replaces.
	if err != nil {
		w.out, w.runs, w.fast = dst, w.runs[:0], false
		err = w.document(m, wire, first)
	}
	if err != nil {
		return dst, messageError(m, err)
	}
	return w.out, nil
}

// WriteJSON is like [Plan.AppendJSON], but streams the JSON to a writer in
// chunks, so that a large message needs little memory. After an error, the
// output is incomplete.
func (m *Plan) WriteJSON(to io.Writer, wire []byte, options Options, first []byte) error {
	w := newJSONWriter(options)
	defer w.release()
	w.to = to
	if err := w.document(m, wire, first); err != nil {
		return messageError(m, err)
	}
	return w.flush()
}

func (w *jsonWriter) document(m *Plan, wire, first []byte) error {
	w.copyBudget = copyLimit(wire)
	if len(first) > 0 {
		return w.object(m, wire, 0, first)
	}
	return w.message(m, wire, 0)
}

// chunkBytes is the number of bytes that are buffered before a chunk is
// written.
const chunkBytes = 64 << 10

// jsonWriter converts wire bytes to JSON.
type jsonWriter struct {
	options Options
	out     []byte
	to      io.Writer // nil: all output stays in out
	runs    []run     // a stack: the runs of each message that is being written, see frame
	pooled  []byte    // the buffer of WriteJSON, which stays with the pooled writer

	fast       bool // the current pass is the fast pass, see tojson_fast.go
	inElement  bool // inside a list element, where no chunk is written
	minutes    minuteCache
	flushed    int // number of chunks that were written to w.to
	copyBudget int // bytes that may still be copied, see chargeCopy
}

//nolint:gochecknoglobals // a process has one pool
var jsonWriters = sync.Pool{New: func() any { return &jsonWriter{pooled: make([]byte, 0, 2*chunkBytes)} }}

func newJSONWriter(options Options) *jsonWriter {
	w, _ := jsonWriters.Get().(*jsonWriter)
	w.options, w.out, w.fast, w.inElement = options, w.pooled[:0], false, false
	return w
}

// release returns the writer to the pool, without large buffers and without the
// caller's buffer.
func (w *jsonWriter) release() {
	const manyRuns = 4096
	if w.to != nil && cap(w.out) <= 4*chunkBytes {
		w.pooled = w.out[:0]
	}
	if cap(w.runs) > manyRuns {
		w.runs = nil
	}
	w.out, w.to, w.runs = nil, nil, w.runs[:0] // the runs still refer to plans, but plans are never freed
	jsonWriters.Put(w)
}

func (w *jsonWriter) flush() error {
	w.flushed++
	_, err := w.to.Write(w.out)
	w.out = w.out[:0]
	return err
}

// flushIfFull flushes the output if it fills a chunk. Inside a list element it
// does nothing, because a restart of the element removes output.
func (w *jsonWriter) flushIfFull() error {
	if w.to == nil || w.inElement || len(w.out) < chunkBytes {
		return nil
	}
	return w.flush()
}

// message writes a message in its JSON form.
func (w *jsonWriter) message(m *Plan, wire []byte, depth int) (err error) {
	if depth > maxDepth {
		return errDepth
	}
	switch m.form {
	case formPayload:
		if !w.options.LongPayloads {
			return w.payload(m, wire, depth)
		}
	case formPayloads:
		if !w.options.LongPayloads {
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

// object writes a message as an object of its fields, after the given first
// members, if any.
func (w *jsonWriter) object(m *Plan, wire []byte, depth int, first []byte) (err error) {
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

// members writes the fields of a message. The parameter needComma is true if the
// first member needs a comma before it. The result is true if the member after
// the last one does.
func (w *jsonWriter) members(m *Plan, wire []byte, depth int, needComma bool) (bool, error) {
	if depth > maxDepth {
		return needComma, errDepth
	}
	if w.fast && !m.view {
		return w.fastMembers(m, wire, depth, needComma)
	}
	fr, err := w.pushFrame(m, wire)
	if err != nil {
		return needComma, err
	}
	if m.view { // fields are in the order of the view
		sortRuns(w.runs[fr.first:fr.last])
	}
	var written intSet
	for i := fr.first; i < fr.last; i++ {
		r := w.runs[i]
		size, chunks := len(w.out), w.flushed
		if needComma, err = w.member(r, fr.wire[r.begin:r.end], depth, needComma); err != nil {
			return needComma, err
		}
		if m.view && (len(w.out) != size || w.flushed != chunks) { // see absentFields
			written.add(r.field.index)
		}
		if err := w.flushIfFull(); err != nil {
			return needComma, err
		}
	}
	w.runs = w.runs[:fr.first]
	if m.view {
		return w.absentFields(m, &written, depth, needComma)
	}
	return needComma, nil
}

// label writes the name of a field, with a comma before it if necessary.
func (w *jsonWriter) label(f *field, needComma bool) {
	label := f.label // begins with a comma
	if !needComma {
		label = label[1:]
	}
	w.out = append(w.out, label...)
}

// member writes one field. It omits a field without presence that has its
// default value. It reports whether the next member needs a comma.
func (w *jsonWriter) member(r run, wire []byte, depth int, needComma bool) (bool, error) {
	f, before := r.field, len(w.out)
	if r.multiple && f.message != nil && !f.repeated { // mergedContent copies the content
		if err := w.chargeCopy(wire); err != nil {
			return needComma, err
		}
	}
	if f.inline {
		return w.members(f.message, mergedContent(wire, r.multiple), depth+1, needComma)
	}
	if f.encodeMembers != nil {
		if needComma {
			w.out = append(w.out, ',')
		}
		return w.customMembers(f, mergedContent(wire, r.multiple), before, needComma)
	}
	w.label(f, needComma)
	wrote, err := w.value(r, wire, depth)
	if err == nil && !wrote {
		w.out = w.out[:before]
		return needComma, nil
	}
	return true, err
}

// customMembers writes a message with the Members function of a view.
func (w *jsonWriter) customMembers(f *field, content []byte, before int, needComma bool) (bool, error) {
	begin := len(w.out)
	var err error
	if w.out, err = f.encodeMembers(w.out, content); err != nil {
		return needComma, err
	}
	if len(w.out) == begin {
		w.out = w.out[:before]
		return needComma, nil
	}
	return true, nil
}

// value writes the value of a field. It returns false if the field is omitted.
func (w *jsonWriter) value(r run, wire []byte, depth int) (bool, error) {
	f := r.field
	switch {
	case f.key != nil:
		return true, w.entries(f, wire, depth)
	case f.repeated:
		nonEmpty, err := w.list(f, wire, depth)
		return nonEmpty || f.always, err
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
		return !f.message.view || f.always || !empty, err // a view without members is omitted
	default:
		value := lastValue(wire, r.multiple)
		if !f.hasPresence && isDefault(f, value) && !f.always {
			return false, nil
		}
		_, err := w.scalar(f, value)
		return true, err
	}
}

// mergedContent returns the content of a message field. The contents of several
// occurrences are concatenated, which is how protobuf merges messages.
func mergedContent(wire []byte, multiple bool) []byte {
	if !multiple {
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

// fieldContent returns the content of the first, length-delimited field of
// wire. The tags and lengths in a run are valid, because scanRuns has checked
// them.
func fieldContent(wire []byte) []byte {
	_, _, n := tagAt(wire, 0)
	value, _ := protowire.ConsumeBytes(wire[n:])
	return value
}

// lastValue returns the value of a scalar field, which is that of its last
// occurrence.
func lastValue(wire []byte, multiple bool) []byte {
	for {
		number, wireType, n := tagAt(wire, 0)
		if !multiple {
			return wire[n:]
		}
		size := valueSize(wire[n:], number, wireType)
		if n+size == len(wire) {
			return wire[n:]
		}
		wire = wire[n+size:]
	}
}

// list writes a repeated field and reports whether it has elements. The content
// of a packed field may be empty.
func (w *jsonWriter) list(f *field, wire []byte, depth int) (nonEmpty bool, err error) {
	w.out = append(w.out, '[')
	for len(wire) > 0 {
		number, wireType, n := tagAt(wire, 0)
		size := valueSize(wire[n:], number, wireType)
		value := wire[n : n+size]
		wire = wire[n+size:]
		if f.message == nil && wireType == protowire.BytesType && f.wireType != protowire.BytesType {
			if nonEmpty, err = w.unpack(f, value, nonEmpty); err != nil {
				return nonEmpty, err
			}
			continue
		}
		before, hadElements := len(w.out), nonEmpty
		if nonEmpty {
			w.out = append(w.out, ',')
		}
		nonEmpty = true
		switch {
		case f.encodeValue != nil:
			var wrote bool
			if w.out, wrote, err = f.encodeValue(w.out, lengthDelimited(value)); err == nil && !wrote {
				w.out, nonEmpty = w.out[:before], hadElements
			}
		case f.message != nil:
			err = w.element(f.message, lengthDelimited(value), depth+1)
		default:
			_, err = w.scalar(f, value)
		}
		if err != nil {
			return nonEmpty, err
		}
		if !nonEmpty { // the caller may remove an empty list, so its bracket must not be flushed
			continue
		}
		if err := w.flushIfFull(); err != nil {
			return nonEmpty, err
		}
	}
	w.out = append(w.out, ']')
	return nonEmpty, nil
}

// element writes an element of a list. A streamed list is flushed only between
// elements: if the fast pass fails, the output of the element is removed.
func (w *jsonWriter) element(m *Plan, wire []byte, depth int) error {
	if w.to == nil || w.inElement {
		return w.message(m, wire, depth)
	}
	begin, runCount := len(w.out), len(w.runs)
	w.inElement, w.fast = true, true
	err := w.message(m, wire, depth)
	if err != nil { // restart with the canonical pass, as AppendJSON does
		w.out, w.runs, w.fast = w.out[:begin], w.runs[:runCount], false
		err = w.message(m, wire, depth)
	}
	w.inElement, w.fast = false, false
	return err
}

// unpack writes the elements of a packed occurrence of a repeated field. The
// parameter nonEmpty reports whether the list has elements before the call, and
// the result whether it has elements after it.
func (w *jsonWriter) unpack(f *field, value []byte, nonEmpty bool) (bool, error) {
	packed := lengthDelimited(value)
	for len(packed) > 0 {
		if nonEmpty {
			w.out = append(w.out, ',')
		}
		nonEmpty = true
		n, err := w.scalar(f, packed)
		if err != nil {
			return nonEmpty, err
		}
		packed = packed[n:]
	}
	return nonEmpty, nil
}
