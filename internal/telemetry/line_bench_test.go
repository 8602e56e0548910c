package telemetry_test

import (
	"io"
	"log/slog"
	"testing"

	"github.com/flowgate/flowgate/internal/telemetry"
)

// BenchmarkLines compares the fast path with slog. The fast path is worth its code only if it saves more than 2 % of
// the CPU time of a request.
func BenchmarkLines(b *testing.B) {
	request := fullEvent()
	request.Code, request.Detail, request.Retries = "", "", 0
	audit := &telemetry.Audit{
		Principal: "dev", Namespace: "default", RPC: "StartWorkflowExecution", Resource: "order-1", Outcome: "ok",
		RequestID: "0198c0de-0000-7000-8000-000000000001",
	}
	for name, logger := range map[string]*slog.Logger{
		"fast": telemetry.NewLogger(io.Discard, "info", "json"),
		"slog": slog.New(slog.NewJSONHandler(struct{ io.Writer }{io.Discard}, nil)),
	} {
		b.Run("request/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				request.Log(logger)
			}
		})
		b.Run("audit/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				audit.Log(b.Context(), logger)
			}
		})
	}
}
