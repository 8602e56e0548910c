package openapi

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Change is a member of a request that changes a property. An absent member leaves the
// property unchanged, and null removes the property.
type Change[T any] struct {
	// Sent is whether the member is present. To is the value of the member, or nil for null.
	Sent bool
	To   *T
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom]. It is called for a member
// that is present, null included.
func (c *Change[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	c.Sent = true
	return json.UnmarshalDecode(d, &c.To)
}
