package payload_test

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"go.temporal.io/api/common/v1"

	"github.com/flowgate/flowgate/internal/payload"
)

// The digits of a number do not change in a round trip.
func ExampleFromJSON() {
	p := payload.FromJSON(jsontext.Value(`{"price":1.10}`))
	fmt.Printf("%s %s\n", p.GetMetadata()["encoding"], p.GetData())

	value, ok := payload.ToJSON(p)
	fmt.Println(value, ok)
	// Output:
	// json/plain {"price":1.10}
	// {"price":1.10} true
}

// ToJSON returns no value for a payload with the encoding json/protobuf. Readable returns the data.
func ExampleReadable() {
	p := &common.Payload{
		Metadata: map[string][]byte{"encoding": []byte("json/protobuf"), "messageType": []byte("acme.Order")},
		Data:     []byte(`{"sku":"book"}`),
	}
	_, ok := payload.ToJSON(p)
	fmt.Println(ok)

	value, ok := payload.Readable(p)
	fmt.Println(value, ok)
	// Output:
	// false
	// {"sku":"book"} true
}

// A search attribute has a type and a value, which must match.
func ExampleFromSearchAttribute() {
	p, err := payload.FromSearchAttribute(jsontext.Value(`{"type":"Keyword","value":"c-1"}`))
	fmt.Printf("%s %s %v\n", p.GetMetadata()["type"], p.GetData(), err)

	_, err = payload.FromSearchAttribute(jsontext.Value(`{"type":"Int","value":"c-1"}`))
	fmt.Println(err)
	// Output:
	// Keyword "c-1" <nil>
	// the value does not match the type Int
}
