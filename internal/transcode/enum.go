package transcode

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// enum maps the values of one enum type to their names and back.
type enum struct {
	null         bool             // google.protobuf.NullValue, whose JSON is null
	alwaysString bool             // a number without a name is written as a string too
	labels       map[int32][]byte // the names, as JSON strings
	low          [64][]byte       // the labels of the numbers below 64, for speed
	numbers      map[string]int32
	// short maps folded names without the prefix of the type to numbers. Older
	// versions of Temporal wrote "Running" for
	// WORKFLOW_EXECUTION_STATUS_RUNNING, and its HTTP API still accepts that.
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
		if e.labels[number] == nil { // of several aliases, the first is used
			e.labels[number] = appendString(nil, name)
		}
	}
	return e.indexLow()
}

// label returns the name of a number as a JSON string, or nil if the number has
// no name.
func (e *enum) label(number int32) []byte {
	if uint32(number) < uint32(len(e.low)) { //nolint:gosec // negative numbers become large
		return e.low[number]
	}
	return e.labels[number]
}

// indexLow copies the labels of small numbers to low.
func (e *enum) indexLow() *enum {
	for number := range e.low {
		e.low[number] = e.labels[int32(number)]
	}
	return e
}

// number returns the number of a name, which may be in the short form.
func (e *enum) number(name string) (int32, bool) {
	if number, ok := e.numbers[name]; ok {
		return number, true
	}
	number, ok := e.short[fold(name)]
	return number, ok
}

// fold removes the underscores from a name and converts it to upper case.
func fold(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "_", "")) }
