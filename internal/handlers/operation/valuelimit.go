package operation

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/flowgate/flowgate/internal/problem"
)

// Bounds on the number of values in a request body. A value of two bytes in the body
// becomes objects of hundreds of bytes in memory: 4 MB of zeros would use gigabytes.
const (
	maxValues = 10_000
	// wirePerValue is more than the encoding of a payload adds to a value (its
	// metadata, tags and lengths). One value per so many bytes of the body keeps the
	// message to Temporal below twice the size of the largest body.
	wirePerValue = 64
	// minMaxValues is the bound for a small limits.maxBodyBytes. It is more than the
	// members of any request.
	minMaxValues = 100
	// minValueBytes is the smallest size of a value in a body: itself and a comma.
	minValueBytes = 2
)

var errTooManyValues = errors.New("too many values")

// valueLimit returns the maximum number of values in a body of at most maxBodyBytes.
func valueLimit(maxBodyBytes int64) int {
	return int(min(maxValues, max(minMaxValues, maxBodyBytes/wirePerValue)))
}

// unmarshalOptions returns the options for one body of this size. Counting costs time,
// so a body that is too short for more than limit values is not counted: most are.
func unmarshalOptions(size, limit int) json.Options {
	strict := json.RejectUnknownMembers(true)
	if size <= limit*minValueBytes {
		return strict
	}
	return json.JoinOptions(strict, json.WithUnmarshalers(countValues(limit)))
}

// countValues fails the decoding of a body with more than limit values. Each member of
// an object and each element of an array counts, whatever its type, so that a field
// added to the API is bounded too. The inside of an [openapi.JSON] does not count: it
// stays as the bytes of the body.
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
		return errors.ErrUnsupported // the type's own decoding continues
	})
}

func tooManyValues(limit int, pointer string) error {
	e := problem.Newf(problem.PayloadTooLarge, "The request body has more than %d values.", limit)
	e.Members.Errors = []problem.Field{{Pointer: pointer, Detail: "is one value too many"}}
	return e
}
