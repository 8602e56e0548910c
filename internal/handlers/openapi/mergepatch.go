package openapi

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

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
	if d.PeekKind() == jsontext.KindBeginObject {
		return json.UnmarshalDecode(d, &p.Members)
	}
	return json.UnmarshalDecode(d, &p.Value)
}

// Removes reports whether the patch removes the member that it stands for.
func (p MergePatch) Removes() bool { return p.Members == nil && p.Value.Kind() == jsontext.KindNull }
