package handlers

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/flowgate/flowgate/internal/problem"
)

// Bounds on the values of one request body. Each value becomes objects in
// memory, hundreds of bytes for the two that a short one takes in the body: 4 MB
// of zeros would cost gigabytes.
const (
	maxValues = 10_000
	// wirePerValue is more than the encoding of a payload adds to a value (its
	// metadata, tags and lengths). A value for each of so many bytes of the body
	// keeps the message to Temporal below twice the largest body.
	wirePerValue = 64
	// minMaxValues is allowed under any limits.maxBodyBytes: more than the
	// members of any request.
	minMaxValues = 100
	// minValueBytes is what a value takes in a body at least: itself and a comma.
	minValueBytes = 2
)

var errTooManyValues = errors.New("too many values")

// valueLimit is how many values a body of at most maxBodyBytes may have.
func valueLimit(maxBodyBytes int64) int {
	return int(min(maxValues, max(minMaxValues, maxBodyBytes/wirePerValue)))
}

// unmarshalOptions are those for one body. A body that is too short for more
// values than limit is not counted: most requests pay nothing.
func unmarshalOptions(size, limit int) json.Options {
	strict := json.RejectUnknownMembers(true)
	if size <= limit*minValueBytes {
		return strict
	}
	return json.JoinOptions(strict, json.WithUnmarshalers(countValues(limit)))
}

// countValues fails the decoding of a body with more than limit values. Each
// member of an object and each element of an array counts, whatever its type, so
// that a field added to the API is bounded too. The inside of a [JSON] does not
// count: it stays the bytes that it is in the body.
func countValues(limit int) *json.Unmarshalers {
	values, last := 0, int64(0)
	return json.UnmarshalFromFunc(func(d *jsontext.Decoder, _ any) error {
		parent, read := d.StackIndex(d.StackDepth())
		name := parent == jsontext.KindBeginObject && read%2 == 0
		// A pointer and what it points to are one value, at one offset.
		if at := d.InputOffset(); !name && at != last {
			values, last = values+1, at
		}
		if values > limit {
			return errTooManyValues
		}
		return errors.ErrUnsupported // the type's own decoding goes on
	})
}

func tooManyValues(limit int, pointer string) error {
	e := problem.Newf(problem.PayloadTooLarge, "The request body has more than %d values.", limit)
	e.Members.Errors = []problem.Field{{Pointer: pointer, Detail: "is one value too many"}}
	return e
}
