package transcode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protowire"
)

// InputError reports a fault in a caller's JSON or parameters.
type InputError struct {
	// Pointer is the JSON pointer (RFC 6901) of the faulty value, or a question
	// mark and the name of a query parameter. It is empty for the whole value.
	Pointer string
	// Reason describes the fault for the caller.
	Reason string
}

func (e *InputError) Error() string {
	if e.Pointer == "" {
		return e.Reason
	}
	return e.Pointer + ": " + e.Reason
}

// ErrTooLarge is returned if the wire form is larger than [Options.MaxWire].
var ErrTooLarge = errors.New("transcode: the message is too large")

// AppendWire converts a message from JSON and appends its wire form. It rejects unknown
// members, duplicate members and data after the value. The error is an
// [InputError] or [ErrTooLarge].
func (m *Plan) AppendWire(dst, text []byte, options Options) ([]byte, error) {
	w := newWireWriter(options)
	defer w.release()
	w.out = dst
	err := w.document(m, text)
	if err != nil {
		return dst, w.toInputError(err)
	}
	return w.out, nil
}

// wireWriter converts JSON to wire bytes.
type wireWriter struct {
	options       Options
	out           []byte
	source        bytes.Buffer
	in            *jsontext.Decoder
	depth         int
	pointerPrefix string // the JSON pointer of the value that source holds, see nested
}

//nolint:gochecknoglobals // a process has one pool
var wireWriters = sync.Pool{New: func() any { return &wireWriter{in: jsontext.NewDecoder(bytes.NewReader(nil))} }}

func newWireWriter(options Options) *wireWriter {
	w, _ := wireWriters.Get().(*wireWriter)
	w.options, w.depth, w.pointerPrefix = options, 0, ""
	return w
}

func (w *wireWriter) release() {
	w.source, w.out = bytes.Buffer{}, nil
	w.in.Reset(&w.source)
	wireWriters.Put(w)
}

// invalidInput is a fault at the current position of the decoder.
type invalidInput string //nolint:errname // callers get an InputError

func (e invalidInput) Error() string { return string(e) }

// toInputError converts an error to an [InputError] with the position of the
// decoder. It returns [ErrTooLarge] unchanged.
func (w *wireWriter) toInputError(err error) error {
	if errors.Is(err, ErrTooLarge) {
		return err
	}
	if input, ok := errors.AsType[*InputError](err); ok {
		return input
	}
	at := &InputError{Pointer: w.pointerPrefix + string(w.in.StackPointer())}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at.Pointer = w.pointerPrefix + string(syntax.JSONPointer)
		err = syntax.Err
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		at.Reason = "the JSON ends unexpectedly"
	case errors.Is(err, jsontext.ErrDuplicateName):
		at.Reason = "is a duplicate"
	case errors.Is(err, errDepth):
		at.Reason = "is nested too deeply"
	default:
		if reason, ok := errors.AsType[invalidInput](err); ok {
			at.Reason = string(reason)
		} else {
			at.Reason = "is not valid JSON: " + err.Error()
		}
	}
	return at
}

// document reads one message. The text must not contain anything else.
func (w *wireWriter) document(m *Plan, text []byte) error {
	w.source = *bytes.NewBuffer(text)
	w.in.Reset(&w.source)
	if err := w.message(m); err != nil {
		return err
	}
	if _, err := w.in.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = invalidInput("unexpected data after the value")
		}
		return err
	}
	return nil
}

// message reads a message in its JSON form.
func (w *wireWriter) message(m *Plan) error {
	if w.depth++; w.depth > maxRequestDepth {
		return errDepth
	}
	defer func() { w.depth-- }()
	switch m.form {
	case formTimestamp, formDuration:
		return w.timeOrDuration(m)
	case formWrapper:
		f := m.fields[0]
		return w.element(f)
	case formAny:
		return w.any(m)
	case formLibrary:
		return w.library(m)
	case formPayload:
		if !w.options.LongPayloads {
			return w.payload(m)
		}
	case formPayloads:
		if !w.options.LongPayloads && w.in.PeekKind() == '[' {
			return w.list(m.fields[0])
		}
	case formObject:
	}
	return w.object(m, false)
}

// object reads an object whose members are fields. If inAny is true, the object
// is the content of an Any, and object skips the member @type.
func (w *wireWriter) object(m *Plan, inAny bool) error {
	if err := w.begin('{', "must be an object"); err != nil {
		return err
	}
	var seen, chosen intSet
	for w.in.PeekKind() == '"' {
		name, err := w.in.ReadValue()
		if err != nil {
			return err
		}
		f, err := w.fieldByName(m, name)
		if err != nil {
			return err
		}
		if f == nil {
			if inAny && string(name) == `"@type"` {
				if err := w.in.SkipValue(); err != nil {
					return err
				}
				continue
			}
			return invalidInput("is not a known field")
		}
		if seen.add(f.index) {
			return invalidInput("is a duplicate")
		}
		if w.in.PeekKind() == 'n' && !f.acceptsNull() {
			if err := w.in.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if f.oneof > 0 && chosen.add(f.oneof) {
			return invalidInput("excludes another field of the request")
		}
		if err := w.field(f); err != nil {
			return err
		}
	}
	_, err := w.in.ReadToken()
	return err
}

// fieldByName returns the field with the given name, or nil if there is none.
// The name is a JSON string with its quotes.
func (w *wireWriter) fieldByName(m *Plan, quoted []byte) (*field, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return m.byName[string(quoted[1:len(quoted)-1])], nil
	}
	name, err := jsontext.AppendUnquote(nil, quoted)
	return m.byName[string(name)], err
}

// acceptsNull reports whether null is a value of the field. For any other field,
// null means that the field is absent.
func (f *field) acceptsNull() bool {
	if f.repeated || f.key != nil {
		return false
	}
	return f.enum != nil && f.enum.null || f.message != nil && f.message.name == "google.protobuf.Value"
}

// field reads the value of a field.
func (w *wireWriter) field(f *field) error {
	switch {
	case f.key != nil:
		return w.entries(f)
	case f.repeated && f.packed:
		return w.packed(f)
	case f.repeated:
		return w.list(f)
	default:
		return w.element(f)
	}
}

// element reads one value and writes it with its tag.
func (w *wireWriter) element(f *field) error {
	if w.options.MaxWire > 0 && len(w.out) > w.options.MaxWire {
		return ErrTooLarge
	}
	w.out = append(w.out, f.tag...)
	if f.message == nil {
		return w.scalar(f)
	}
	begin := len(w.out)
	if err := w.message(f.message); err != nil {
		return err
	}
	w.prefixLength(begin)
	return nil
}

// prefixLength inserts, at offset begin, the length of the output that follows.
func (w *wireWriter) prefixLength(begin int) {
	size := len(w.out) - begin
	prefix := sizeOfVarint(uint64(size))            //nolint:gosec // a length
	w.out = append(w.out, "0123456789"[:prefix]...) // makes room for the prefix
	copy(w.out[begin+prefix:], w.out[begin:begin+size])
	protowire.AppendVarint(w.out[:begin], uint64(size)) //nolint:gosec // a length
}

func sizeOfVarint(v uint64) int { return (bits.Len64(v|1) + 6) / 7 } //nolint:mnd // seven bits a byte

func (w *wireWriter) list(f *field) error {
	if err := w.begin('[', "must be an array"); err != nil {
		return err
	}
	for w.in.PeekKind() != ']' && w.in.PeekKind() != jsontext.KindInvalid {
		if err := w.element(f); err != nil {
			return err
		}
	}
	_, err := w.in.ReadToken()
	return err
}

// packed reads an array into one packed field.
func (w *wireWriter) packed(f *field) error {
	if err := w.begin('[', "must be an array"); err != nil {
		return err
	}
	tag := len(w.out)
	w.out = protowire.AppendTag(w.out, f.number, protowire.BytesType)
	begin := len(w.out)
	for w.in.PeekKind() != ']' && w.in.PeekKind() != jsontext.KindInvalid {
		if err := w.scalar(f); err != nil {
			return err
		}
	}
	if len(w.out) == begin {
		w.out = w.out[:tag]
	} else {
		w.prefixLength(begin)
	}
	_, err := w.in.ReadToken()
	return err
}

// entries reads an object into the entries of a map.
func (w *wireWriter) entries(f *field) error {
	if err := w.begin('{', "must be an object"); err != nil {
		return err
	}
	var keys map[string]bool
	for w.in.PeekKind() == '"' {
		w.out = append(w.out, f.tag...)
		begin := len(w.out)
		w.out = append(w.out, f.key.tag...)
		keyBegin := len(w.out)
		if err := w.mapKey(f.key); err != nil {
			return err
		}
		if f.key.wireType != protowire.BytesType { // "1" and "1.0" are the same key
			if keys == nil {
				keys = map[string]bool{}
			}
			key := string(w.out[keyBegin:])
			if keys[key] {
				return invalidInput("is a duplicate")
			}
			keys[key] = true
		}
		if err := w.element(f.value); err != nil {
			return err
		}
		w.prefixLength(begin)
	}
	_, err := w.in.ReadToken()
	return err
}

// begin reads the opening brace or bracket of an object or array.
func (w *wireWriter) begin(kind jsontext.Kind, reason string) error {
	if peeked := w.in.PeekKind(); peeked != kind && peeked != jsontext.KindInvalid {
		return invalidInput(reason)
	}
	_, err := w.in.ReadToken()
	return err
}

// nested calls read with a second writer, whose input is text. The text is a
// value at the current position of the document.
func (w *wireWriter) nested(text []byte, read func(*wireWriter) error) error {
	inner := newWireWriter(w.options)
	inner.out, inner.depth, inner.pointerPrefix = w.out, w.depth, w.pointerPrefix+string(w.in.StackPointer())
	inner.source = *bytes.NewBuffer(text)
	inner.in.Reset(&inner.source)
	err := read(inner)
	if err != nil {
		err = inner.toInputError(err)
	}
	w.out = inner.out
	inner.release()
	return err
}

// quote quotes at most 50 characters of a caller's value, for an error text.
func quote(text string) string {
	const limit = 50
	if len(text) > limit {
		return fmt.Sprintf("%.*q...", limit, text)
	}
	return fmt.Sprintf("%q", text)
}
