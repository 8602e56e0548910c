package rpc_test

import (
	"testing"

	"github.com/flowgate/flowgate/internal/rpc"
)

// BenchmarkCompile is what the rules of the linked API cost when a gateway starts.
func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rpc.NewHTTP(rpc.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
