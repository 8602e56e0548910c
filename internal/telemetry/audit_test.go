package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/telemetry"
)

func TestAuditLinesAreWrittenAtEveryLevel(t *testing.T) {
	t.Parallel()
	record := telemetry.Audit{Principal: "dev", Namespace: "orders", RPC: "SignalWorkflowExecution", Resource: "w", Outcome: "ok", RequestID: "r"}
	needsEscape := record
	needsEscape.Resource = "a \"b\"\u00e9\n"
	for _, level := range []string{"debug", "info", "warn", "error"} {
		var log bytes.Buffer
		logger := telemetry.NewLogger(&log, level, "json")
		record.Log(context.Background(), logger)
		needsEscape.Log(context.Background(), logger)
		require.Equal(t, `{"level":"INFO","msg":"audit","principal":"dev","namespace":"orders","rpc":"SignalWorkflowExecution",`+
			`"resource":"w","outcome":"ok","requestId":"r"}`+"\n"+
			`{"level":"INFO","msg":"audit","principal":"dev","namespace":"orders","rpc":"SignalWorkflowExecution",`+
			`"resource":"a \"b\"é\n","outcome":"ok","requestId":"r"}`+"\n",
			regexp.MustCompile(`"time":"[^"]*",`).ReplaceAllString(log.String(), ""), level)
	}
	var log bytes.Buffer
	record.Log(context.Background(), telemetry.NewLogger(&log, "error", "text"))
	require.Contains(t, log.String(), "msg=audit principal=dev namespace=orders")
}

// The names in a rejected call may not have been validated, and may have any length.
func TestLinesHaveAMaximumLength(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"n", "\"", "\xff", "\u20ac", "\U0001f600", "\x00", "\u2028"} {
		long := strings.Repeat(piece, 12_000)
		var log bytes.Buffer
		logger := telemetry.NewLogger(&log, "info", "json")
		(&telemetry.Audit{Principal: long, Namespace: long, RPC: "r", Resource: long, Outcome: "ok"}).Log(t.Context(), logger)
		(&telemetry.Event{Principal: long, Namespace: long, ClientIP: long, UserAgent: long, Detail: long}).Log(logger)
		require.True(t, utf8.Valid(log.Bytes()), "%q", piece)
		for text := range strings.Lines(log.String()) {
			const escaped = 6 // maximum bytes of JSON per byte of text
			require.Less(t, len(text), 200+escaped*(512+255+2000+64+100), "%q", piece)
			line := struct{ Principal, Namespace, Resource string }{}
			require.NoError(t, json.Unmarshal([]byte(text), &line))
			require.True(t, strings.HasSuffix(line.Namespace, "…") && strings.HasSuffix(line.Principal, "…"), text)
			require.LessOrEqual(t, len(line.Namespace), 255)
		}
	}
	var log bytes.Buffer
	(&telemetry.Audit{Resource: strings.Repeat("w", 1000), Namespace: strings.Repeat("n", 255)}).Log(t.Context(), telemetry.NewLogger(&log, "info", "json"))
	require.NotContains(t, log.String(), "…", "the longest workflow id is not truncated")
}
