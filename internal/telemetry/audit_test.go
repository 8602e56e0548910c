package telemetry_test

import (
	"bytes"
	"context"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/telemetry"
)

func TestAuditLinesAreWrittenAtEveryLevel(t *testing.T) {
	t.Parallel()
	line := telemetry.Audit{Principal: "dev", Namespace: "orders", RPC: "SignalWorkflowExecution", Resource: "w", Outcome: "ok", RequestID: "r"}
	odd := line
	odd.Resource = "a \"b\"\u00e9\n"
	for _, level := range []string{"debug", "info", "warn", "error"} {
		var log bytes.Buffer
		logger := telemetry.NewLogger(&log, level, "json")
		line.Log(context.Background(), logger)
		odd.Log(context.Background(), logger)
		require.Equal(t, `{"level":"INFO","msg":"audit","principal":"dev","namespace":"orders","rpc":"SignalWorkflowExecution",`+
			`"resource":"w","outcome":"ok","requestId":"r"}`+"\n"+
			`{"level":"INFO","msg":"audit","principal":"dev","namespace":"orders","rpc":"SignalWorkflowExecution",`+
			`"resource":"a \"b\"é\n","outcome":"ok","requestId":"r"}`+"\n",
			regexp.MustCompile(`"time":"[^"]*",`).ReplaceAllString(log.String(), ""), level)
	}
	var log bytes.Buffer
	line.Log(context.Background(), telemetry.NewLogger(&log, "error", "text"))
	require.Contains(t, log.String(), "msg=audit principal=dev namespace=orders")
}
