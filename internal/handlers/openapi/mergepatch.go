package openapi

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxPatchDepth is how deep the objects of a [MergePatch] can be nested. Each of them is
// merged with an object of the resource, and each level reads that object again: without a
// limit, the time would grow with the depth times the size. A resource has about ten
// levels. Objects in lists do not count, because a list is replaced whole.
const MaxPatchDepth = 32

// ErrPatchTooDeep is returned for a [MergePatch] with more levels than [MaxPatchDepth].
var ErrPatchTooDeep = errors.New("too many nested objects")

// MergePatch is a JSON Merge Patch (RFC 7396). It is decoded only as far as it is merged,
// so that all other values are kept as written.
type MergePatch struct {
	// Members are the members of an object. They are nil for any other value.
	Members map[string]MergePatch
	// Value is a value that is not an object.
	Value jsontext.Value
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (p *MergePatch) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*p = MergePatch{}
	if d.PeekKind() != jsontext.KindBeginObject {
		return json.UnmarshalDecode(d, &p.Value)
	}
	if d.StackDepth() >= MaxPatchDepth {
		return ErrPatchTooDeep
	}
	return json.UnmarshalDecode(d, &p.Members)
}

// Removes reports whether the patch removes the member that it stands for.
func (p MergePatch) Removes() bool { return p.Members == nil && p.Value.Kind() == jsontext.KindNull }
