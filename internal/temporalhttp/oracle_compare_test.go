package temporalhttp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// reconcile removes the known differences between the two results of a pair, by making
// the results equal in these respects. known has the index of each difference of the table
// that the pair had. unknown describes the first difference that is not in the table; it is
// empty if there is none.
func (p *pair) reconcile(table []difference) (known []int, unknown string) {
	for i, d := range table {
		if d.reconcile != nil && d.reconcile(p) {
			known = append(known, i)
		}
	}
	return known, p.firstDifference()
}

// firstDifference describes the first difference between the two results. It
// returns an empty string if they are equal.
func (p *pair) firstDifference() string {
	temporal, door := &p.temporal, &p.door
	switch {
	case temporal.status != door.status:
		return fmt.Sprintf("status %d, not %d", door.status, temporal.status)
	case temporal.calls != door.calls:
		return fmt.Sprintf("%d calls, not %d", door.calls, temporal.calls)
	case temporal.calls > 0 && temporal.method != door.method:
		return fmt.Sprintf("calls %s, not %s", door.method, temporal.method)
	case temporal.calls > 0 && !proto.Equal(temporal.request, door.request):
		return "request: " + firstDifferingField(temporal.request.ProtoReflect(), door.request.ProtoReflect())
	case temporal.header.Get("Content-Type") != door.header.Get("Content-Type"):
		return fmt.Sprintf("content type %s, not %s", door.header.Get("Content-Type"), temporal.header.Get("Content-Type"))
	case whiteSpaceLayout(temporal.body) != whiteSpaceLayout(door.body):
		return fmt.Sprintf("white space: %s, not %s", whiteSpaceLayout(door.body), whiteSpaceLayout(temporal.body))
	case !sameJSON(temporal.body, door.body):
		return "response"
	default:
		return ""
	}
}

// firstDifferingField describes the first field in which the request that Temporal's HTTP
// API sent to the upstream (a) and the request that the door sent (b) differ.
func firstDifferingField(a, b protoreflect.Message) string {
	for i := range a.Descriptor().Fields().Len() {
		field := a.Descriptor().Fields().Get(i)
		x, y := a.Get(field), b.Get(field)
		switch {
		case a.Has(field) == b.Has(field) && x.Equal(y):
		case a.Has(field) && b.Has(field) && field.Message() != nil && !field.IsList() && !field.IsMap():
			return string(field.Name()) + "." + firstDifferingField(x.Message(), y.Message())
		default:
			return fmt.Sprintf("%s: %.200v, not %.200v", field.Name(), y, x)
		}
	}
	return "unknown fields"
}

// sameJSON reports whether two JSON documents have the same value.
func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errX := canonicalJSON(a)
	y, errY := canonicalJSON(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// canonicalJSON returns the document with sorted keys, normalised numbers and no white space.
func canonicalJSON(text []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	return json.Marshal(plainNumbers(document))
}

// plainNumbers normalises numbers with a fraction or an exponent, so that 1e-7
// equals 1e-07. Integers keep their text, because a float64 may not represent them.
func plainNumbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			v[name] = plainNumbers(v[name])
		}
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case json.Number:
		if number, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			return number
		}
	}
	return value
}

// whiteSpaceLayout describes how a JSON document uses white space.
func whiteSpaceLayout(body []byte) string {
	body = bytes.TrimSpace(body)
	var compact, indented bytes.Buffer
	switch {
	case !json.Valid(body):
		return "invalid JSON"
	case json.Compact(&compact, body) == nil && bytes.Equal(compact.Bytes(), body):
		return "compact"
	case json.Indent(&indented, body, "", "  ") == nil && strings.TrimSpace(indented.String()) == string(body):
		return "indented"
	default:
		return "neither compact nor indented"
	}
}
