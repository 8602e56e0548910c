package temporalhttp_test

import (
	"testing"

	"github.com/flowgate/flowgate/internal/temporalhttp"
)

// BenchmarkNew measures how long a gateway compiles the rules when it starts.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := temporalhttp.New(temporalhttp.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
