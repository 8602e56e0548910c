package temporalhttp_test

import (
	"testing"

	"github.com/flowgate/flowgate/internal/temporalhttp"
)

// BenchmarkCompile is what the rules of the linked API cost when a gateway starts.
func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := temporalhttp.New(temporalhttp.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
