package transcode

import (
	"errors"
	"fmt"
)

// The bounds of what is converted.
const (
	// maxDepth is how deep answers nest: failures have causes of causes.
	maxDepth = 1000
	// maxRequestDepth is protobuf's own limit in most languages, and the guard's.
	maxRequestDepth = 100
)

var (
	errDepth       = errors.New("nested too deeply")
	errInvalidUTF8 = errors.New("text that is not valid UTF-8")
	errWire        = errors.New("not a valid protobuf message")
	errNoJSON      = errors.New("a value that JSON has no form for")
	errCopies      = errors.New("fields out of order at too many levels")
)

// run is a stretch of a message's wire bytes that holds one field: its
// occurrences that follow each other, tags included.
type run struct {
	field      *field
	begin, end int
	multiple   bool // more than one occurrence
}

// frame is one message's fields, on the stack of all levels above it.
type frame struct {
	wire        []byte
	first, last int // in runs
}

// pushFrame reads the tags of one message, and pushes its known fields as runs. A
// field that comes back after others, and two members of one oneof, are put
// right first: a decoder merges the one and keeps the last of the other.
func (w *jsonWriter) pushFrame(m *Message, wire []byte) (frame, error) {
	l := frame{wire: wire, first: len(w.runs)}
	tidy, err := w.scanRuns(m, wire)
	if err == nil && !tidy {
		if err := w.chargeCopy(wire); err != nil {
			return l, err
		}
		l.wire = canonicalised(m, wire, w.runs[l.first:])
		w.runs = w.runs[:l.first]
		_, err = w.scanRuns(m, l.wire)
	}
	l.last = len(w.runs)
	return l, err
}

// copyLimit is how much may be copied to put a message in order. What no encoder
// writes has to be copied at each level that it is nested in, and what is copied
// stays until the level is written: without a bound, a message of a megabyte
// would take a gigabyte.
func copyLimit(wire []byte) int {
	const few, times = 1 << 20, 16
	return few + times*len(wire)
}

// chargeCopy counts what is copied against that.
func (w *jsonWriter) chargeCopy(wire []byte) error {
	if w.copyBudget -= len(wire); w.copyBudget < 0 {
		return errCopies
	}
	return nil
}

// scanRuns pushes the runs of wire and reports whether each field, and of each oneof
// at most one, has a single run.
func (w *jsonWriter) scanRuns(m *Message, wire []byte) (tidy bool, err error) {
	var seen, chosen intSet
	tidy = true
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
				tidy = false
			}
		}
		at = end
	}
	return tidy, nil
}

// canonicalised gives the wire bytes with one run a field. Of a oneof only what came
// last is left: a member that came before another one was cleared by it.
func canonicalised(m *Message, wire []byte, runs []run) []byte {
	winner, since := make([]*field, m.oneofs+1), make([]int, m.oneofs+1)
	for i, r := range runs {
		if o := r.field.oneof; o > 0 && winner[o] != r.field {
			winner[o], since[o] = r.field, i
		}
	}
	byField, order := make([][]run, len(m.fields)), []int(nil)
	for i, r := range runs {
		if o := r.field.oneof; o > 0 && (winner[o] != r.field || i < since[o]) {
			continue
		}
		if byField[r.field.index] == nil {
			order = append(order, r.field.index)
		}
		byField[r.field.index] = append(byField[r.field.index], r)
	}
	tidy := make([]byte, 0, len(wire))
	for _, index := range order {
		for _, r := range byField[index] {
			tidy = append(tidy, wire[r.begin:r.end]...)
		}
	}
	return tidy
}

// sortRuns puts the runs of a message into the order of its fields. They are few,
// as each has one.
func sortRuns(runs []run) {
	for i := range runs {
		for j := i; j > 0 && runs[j].field.index < runs[j-1].field.index; j-- {
			runs[j], runs[j-1] = runs[j-1], runs[j]
		}
	}
}

// intSet is a set of small numbers.
type intSet struct {
	low  [2]uint64
	high map[int]bool
}

// add adds n and reports whether it was there.
func (b *intSet) add(n int) bool {
	const word = 64
	if n < len(b.low)*word {
		mask := uint64(1) << (n % word)
		was := b.low[n/word]&mask != 0
		b.low[n/word] |= mask
		return was
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

// messageError says in which message a conversion failed.
func messageError(m *Message, err error) error { return fmt.Errorf("transcode: %s: %w", m.name, err) }
