package payload_test

import (
	"testing"

	"go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/payload"
)

// BenchmarkPlain reads a payload that is typical of histories.
func BenchmarkPlain(b *testing.B) {
	wire, err := proto.Marshal(&common.Payload{
		Metadata: map[string][]byte{payload.MetadataEncoding: []byte(payload.EncodingJSON)},
		Data:     []byte(`{"orderId":"order-1042","customerId":"customer-17","items":[{"sku":"book","quantity":2,"price":1250}],"address":"1 Long Street, 12345 Town","autoApprove":true}`),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		p, ok := payload.Read(wire)
		if !ok {
			b.Fatal("not read")
		}
		if _, ok := p.Plain(); !ok {
			b.Fatal("not plain")
		}
	}
}
