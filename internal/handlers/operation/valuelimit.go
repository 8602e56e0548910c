package operation

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/flowgate/flowgate/internal/problem"
)

// Limits on the number of values in a request body. A value of two bytes in the body
// becomes objects of hundreds of bytes in memory: 4 MB of zeros would use gigabytes.
const (
	maxValues = 10_000
	// wirePerValue is an upper bound on the bytes that a payload adds to a value: its
	// metadata, tags and lengths. With at most one value per wirePerValue bytes of
	// limits.maxBodyBytes, the message to Temporal stays below twice that size.
	wirePerValue = 64
	// minMaxValues is the limit if limits.maxBodyBytes is small. No request has as many
	// members outside its lists and maps.
	minMaxValues = 100
	// minValueBytes is the size of the shortest value in a body: one byte and a comma.
	minValueBytes = 2
)

var errTooManyValues = errors.New("too many values")

// valueLimit returns the maximum number of values in a body of at most maxBodyBytes.
func valueLimit(maxBodyBytes int64) int {
	return int(min(maxValues, max(minMaxValues, maxBodyBytes/wirePerValue)))
}

// unmarshalOptions returns the options for one body of this size. Counting costs time, so
// the values of a body that is too short for more than limit are not counted. Most
// bodies are too short.
func unmarshalOptions(size, limit int) json.Options {
	strict := json.RejectUnknownMembers(true)
	if size <= limit*minValueBytes {
		return strict
	}
	return json.JoinOptions(strict, json.WithUnmarshalers(countValues(limit)))
}

// countValues returns errTooManyValues from the decoding of a body with more than limit
// values. Each member of an object and each element of an array counts, whatever its
// type, so that a new field of the API is bounded too. Values inside an [openapi.JSON]
// do not count, because they are not decoded.
func countValues(limit int) *json.Unmarshalers {
	values, last := 0, int64(0)
	return json.UnmarshalFromFunc(func(d *jsontext.Decoder, _ any) error {
		parent, tokens := d.StackIndex(d.StackDepth())
		isName := parent == jsontext.KindBeginObject && tokens%2 == 0
		// The decoder calls this function for a pointer and again for its element, at the same offset.
		if offset := d.InputOffset(); !isName && offset != last {
			values, last = values+1, offset
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
