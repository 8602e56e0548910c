package rpc

import "testing"

// BenchmarkCompile is what the rules of the linked API cost when a gateway starts.
func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bindings(); err != nil {
			b.Fatal(err)
		}
	}
}
