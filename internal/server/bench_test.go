package server_test

import (
	"net/http"
	"testing"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

// The benchmarks measure complete requests, with the client and the upstream in the same process. The absolute times
// mean little: compare two runs.

func BenchmarkStart(b *testing.B) {
	benchmark(b, http.MethodPost, "/v1/namespaces/default/workflows",
		`{"workflowType":"Order","workflowId":"order-1","taskQueue":"orders","args":[{"orderId":"order-1","items":[1,2,3]}]}`)
}

func BenchmarkDescribe(b *testing.B) {
	benchmark(b, http.MethodGet, "/v1/namespaces/default/workflows/order-1", "")
}

func BenchmarkTemporalStart(b *testing.B) {
	benchmark(b, http.MethodPost, "/api/v1/namespaces/default/workflows/order-1",
		`{"workflowType":{"name":"Order"},"taskQueue":{"name":"orders"},"input":[{"orderId":"order-1","items":[1,2,3]}]}`)
}

func benchmark(b *testing.B, method, path, body string) {
	b.Helper()
	g := servertest.Start(b, servertest.Options{Configure: func(cfg *config.Config) { cfg.Listen.DrainDelay = 0 }})
	temporalfake.NewWorkflow(g.Upstream)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if resp, err := g.Send(b.Context(), method, path, body); err != nil || resp.Status >= http.StatusBadRequest {
				b.Errorf("%d %v", resp.Status, err)
				return
			}
		}
	})
}
