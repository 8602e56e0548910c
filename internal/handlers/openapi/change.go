package openapi

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Change is a member of a request that changes a property: an absent member
// leaves the property as it is, null removes it.
type Change[T any] struct {
	// Sent reports whether the member is present. To is its value, nil for null.
	Sent bool
	To   *T
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom]. It is called for a member
// that is present, null included.
func (c *Change[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	c.Sent = true
	return json.UnmarshalDecode(d, &c.To)
}
