package transcode

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// enum is the names of one enumeration.
type enum struct {
	null         bool // google.protobuf.NullValue, whose JSON is null
	alwaysString bool // values without a name are strings too
	labels       map[int32][]byte
	low          [64][]byte // the labels of small numbers, as nearly all are
	numbers      map[string]int32
	// short are the names without their type's prefix, folded: Temporal has
	// written "Running" for WORKFLOW_EXECUTION_STATUS_RUNNING, and its own API
	// still takes it.
	short map[string]int32
}

func newEnum(d protoreflect.EnumDescriptor) *enum {
	e := &enum{
		null:   d.FullName() == "google.protobuf.NullValue",
		labels: map[int32][]byte{}, numbers: map[string]int32{}, short: map[string]int32{},
	}
	prefix := fold(string(d.Name()))
	values := d.Values()
	for i := range values.Len() {
		name, number := string(values.Get(i).Name()), int32(values.Get(i).Number())
		e.numbers[name] = number
		if short, ok := strings.CutPrefix(fold(name), prefix); ok {
			e.short[short] = number
		}
		if e.labels[number] == nil { // of aliases, the first is the name
			e.labels[number] = appendString(nil, name)
		}
	}
	return e.indexLow()
}

// label gives the name of a number as JSON, nil when it has none.
func (e *enum) label(number int32) []byte {
	if uint32(number) < uint32(len(e.low)) { //nolint:gosec // negative ones are large then
		return e.low[number]
	}
	return e.labels[number]
}

// indexLow fills what label looks up.
func (e *enum) indexLow() *enum {
	for number := range e.low {
		e.low[number] = e.labels[int32(number)]
	}
	return e
}

// number gives the number of a name.
func (e *enum) number(name string) (int32, bool) {
	if number, ok := e.numbers[name]; ok {
		return number, true
	}
	number, ok := e.short[fold(name)]
	return number, ok
}

// fold takes the case and the separators out of a name.
func fold(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "_", "")) }
