package temporalhttp_test

import (
	"testing"

	"github.com/flowgate/flowgate/internal/temporalhttp"
)

// BenchmarkCompile measures the compilation of all rules at the start of a gateway.
func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := temporalhttp.New(temporalhttp.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
