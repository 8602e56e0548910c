package transcode

import (
	"errors"
	"fmt"
)

// The limits on the nesting of messages.
const (
	// maxDepth limits responses. It is large because each cause of a failure is
	// nested in the failure.
	maxDepth = 1000
	// maxRequestDepth limits requests. Protobuf in most languages and the guard
	// have the same limit.
	maxRequestDepth = 100
)

var (
	errDepth       = errors.New("nested too deeply")
	errInvalidUTF8 = errors.New("invalid UTF-8 in a string")
	errWire        = errors.New("not a valid protobuf message")
	errNoJSON      = errors.New("a value that JSON cannot represent")
	errCopies      = errors.New("fields out of order in too many nested messages")
)

// run is a range of a message's wire bytes that has consecutive occurrences of
// one field, with their tags.
type run struct {
	field      *field
	begin, end int
	multiple   bool // more than one occurrence
}

// frame is a message that is being written. Its runs are a range of
// jsonWriter.runs, which is a stack: the runs of an enclosing message are below
// those of the messages in it.
type frame struct {
	wire        []byte
	first, last int // the range in jsonWriter.runs
}

// pushFrame reads the tags of one message and pushes the runs of its known
// fields onto w.runs. If a field has several runs, or several members of one
// oneof are set, the frame has a copy of the message in canonical order.
func (w *jsonWriter) pushFrame(m *Plan, wire []byte) (frame, error) {
	fr := frame{wire: wire, first: len(w.runs)}
	canonical, err := w.scanRuns(m, wire)
	if err == nil && !canonical {
		if err := w.chargeCopy(wire); err != nil {
			return fr, err
		}
		fr.wire = canonicalised(m, wire, w.runs[fr.first:])
		w.runs = w.runs[:fr.first]
		_, err = w.scanRuns(m, fr.wire)
	}
	fr.last = len(w.runs)
	return fr, err
}

// copyLimit returns how many bytes may be copied to put a message, and the
// messages in it, in canonical order. If the enclosing messages are out of order
// too, the same bytes are copied once for each level of nesting, and all copies
// are in memory at once: a hostile message of a megabyte could take a gigabyte.
func copyLimit(wire []byte) int {
	const base, factor = 1 << 20, 16
	return base + factor*len(wire)
}

// chargeCopy subtracts the size of a copy from the budget. It returns errCopies
// if the budget does not suffice.
func (w *jsonWriter) chargeCopy(wire []byte) error {
	if w.copyBudget -= len(wire); w.copyBudget < 0 {
		return errCopies
	}
	return nil
}

// scanRuns pushes the runs of a message. It reports whether the message is
// canonical: each field has one run, and at most one member of each oneof is
// set.
func (w *jsonWriter) scanRuns(m *Plan, wire []byte) (canonical bool, err error) {
	var seen, chosen intSet
	canonical = true
	var current *field
	for at := 0; at < len(wire); {
		number, wireType, n := tagAt(wire, at)
		if n < 0 {
			return false, errWire
		}
		size := valueSize(wire[at+n:], number, wireType)
		if size < 0 {
			return false, errWire
		}
		end := at + n + size
		f := m.field(number)
		switch {
		case f == nil || !f.acceptsWireType(wireType):
			current = nil
		case f == current:
			last := &w.runs[len(w.runs)-1]
			last.end, last.multiple = end, true
		default:
			w.runs = append(w.runs, run{field: f, begin: at, end: end})
			current = f
			if seen.add(f.index) || f.oneof > 0 && chosen.add(f.oneof) {
				canonical = false
			}
		}
		at = end
	}
	return canonical, nil
}

// canonicalised returns a copy of the wire bytes with one run per field. It
// keeps only the last member of a oneof, because each member clears the one
// before it.
func canonicalised(m *Plan, wire []byte, runs []run) []byte {
	// For each oneof: the member that is set last, and the index in runs from which no other member is set.
	lastMember, since := make([]*field, m.oneofs+1), make([]int, m.oneofs+1)
	for i, r := range runs {
		if o := r.field.oneof; o > 0 && lastMember[o] != r.field {
			lastMember[o], since[o] = r.field, i
		}
	}
	byField, order := make([][]run, len(m.fields)), []int(nil)
	for i, r := range runs {
		if o := r.field.oneof; o > 0 && (lastMember[o] != r.field || i < since[o]) {
			continue
		}
		if byField[r.field.index] == nil {
			order = append(order, r.field.index)
		}
		byField[r.field.index] = append(byField[r.field.index], r)
	}
	out := make([]byte, 0, len(wire))
	for _, index := range order {
		for _, r := range byField[index] {
			out = append(out, wire[r.begin:r.end]...)
		}
	}
	return out
}

// sortRuns sorts the runs of a message in the order of the plan's fields. An
// insertion sort is enough, because each field has one run.
func sortRuns(runs []run) {
	for i := range runs {
		for j := i; j > 0 && runs[j].field.index < runs[j-1].field.index; j-- {
			runs[j], runs[j-1] = runs[j-1], runs[j]
		}
	}
}

// intSet is a set of integers that is fast for integers below 128.
type intSet struct {
	low  [2]uint64
	high map[int]bool
}

// add adds n and reports whether the set had it already.
func (b *intSet) add(n int) bool {
	const word = 64
	if n < len(b.low)*word {
		mask := uint64(1) << (n % word)
		present := b.low[n/word]&mask != 0
		b.low[n/word] |= mask
		return present
	}
	if b.high[n] {
		return true
	}
	if b.high == nil {
		b.high = map[int]bool{}
	}
	b.high[n] = true
	return false
}

// messageError adds the name of the message to an error.
func messageError(m *Plan, err error) error { return fmt.Errorf("transcode: %s: %w", m.name, err) }
