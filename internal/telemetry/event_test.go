package telemetry_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/telemetry"
)

// lineOf returns the log line of the event, without its time.
func lineOf(t *testing.T, e *telemetry.Event, format string) string {
	t.Helper()
	var out bytes.Buffer
	e.Log(telemetry.NewLogger(&out, "info", format))
	require.LessOrEqual(t, strings.Count(out.String(), "\n"), 1)
	line := regexp.MustCompile(`("time":"[^"]*",|time=\S+ )`).ReplaceAllString(out.String(), "")
	return strings.TrimSuffix(line, "\n")
}

// fullEvent returns an event with a value in every field.
func fullEvent() *telemetry.Event {
	e := &telemetry.Event{
		RequestID: "r-1", Method: "POST", Route: "/v1/namespaces/{namespace}/workflows", Status: 404,
		ClientIP: "192.0.2.1", UserAgent: "curl/8", BytesIn: 12, BytesOut: 345,
		Duration: 1234567 * time.Nanosecond, TraceID: "0af7651916cd43dd8448eb211c80319c",
	}
	e.SetNamespace("orders")
	e.SetPrincipal("dev")
	e.SetRejection("expired", "dev-2")
	e.AddCall("StartWorkflowExecution", codes.Unavailable)
	e.AddRetry()
	e.AddCall("StartWorkflowExecution", codes.NotFound)
	e.SetProblem("workflow-not-found", "no rows\nin result")
	return e
}

func TestLogLine(t *testing.T) {
	t.Parallel()
	require.Equal(t, `{"level":"INFO","msg":"request","requestId":"r-1","method":"POST",`+
		`"route":"/v1/namespaces/{namespace}/workflows","status":404,"code":"workflow-not-found","namespace":"orders",`+
		`"principal":"dev","keyId":"dev-2","reason":"expired","rpc":"StartWorkflowExecution","grpcCode":"NOT_FOUND","upstreamCalls":2,"retries":1,`+
		`"clientIp":"192.0.2.1","userAgent":"curl/8","bytesIn":12,"bytesOut":345,"durationUs":1234,`+
		`"traceId":"0af7651916cd43dd8448eb211c80319c","detail":"no rows\nin result"}`, lineOf(t, fullEvent(), "json"))
	require.Equal(t, `level=INFO msg=request method=GET status=204 durationUs=0`,
		lineOf(t, &telemetry.Event{Method: "GET", Status: 204}, "text"))
}

func TestLogLevelFollowsTheStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		200: "INFO", 404: "INFO", 499: "INFO", 500: "ERROR", 501: "ERROR", 502: "ERROR", 503: "WARN", 504: "WARN", 505: "ERROR",
	} {
		var line struct{ Level string }
		require.NoError(t, json.Unmarshal([]byte(lineOf(t, &telemetry.Event{Status: status}, "json")), &line))
		require.Equal(t, want, line.Level, status)
	}
}

func TestLogTruncatesTextsThatCallersChoose(t *testing.T) {
	t.Parallel()
	line := lineOf(t, &telemetry.Event{
		Method: strings.Repeat("M", 200), UserAgent: strings.Repeat("a", 99) + "é", Detail: strings.Repeat("d", 5000),
	}, "json")
	require.Contains(t, line, `"method":"_OTHER"`)
	require.Contains(t, line, `"userAgent":"`+strings.Repeat("a", 99)+`"`)
	require.Less(t, len(line), 2300)
}

func TestMethodsOfNilEventAreNoOps(t *testing.T) {
	t.Parallel()
	e := telemetry.FromContext(t.Context())
	require.Nil(t, e)
	e.SetNamespace("a")
	e.SetPrincipal("a")
	e.SetRejection("a", "b")
	e.SetProblem("a", "b")
	e.AddCall("a", codes.OK)
	e.AddRetry()
	require.Empty(t, lineOf(t, e, "json"))
}

func TestContextCarriesTheEvent(t *testing.T) {
	t.Parallel()
	e := &telemetry.Event{}
	ctx := telemetry.NewContext(t.Context(), e)
	require.Same(t, e, telemetry.FromContext(ctx))
	require.Nil(t, telemetry.FromContext(telemetry.NewContext(ctx, nil)))
}

func TestLoggerLevels(t *testing.T) {
	t.Parallel()
	for level, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "?": slog.LevelInfo,
	} {
		logger := telemetry.NewLogger(io.Discard, level, "json")
		require.True(t, logger.Enabled(t.Context(), want), level)
		require.False(t, logger.Enabled(t.Context(), want-1), level)
	}
}

func BenchmarkEventLog(b *testing.B) {
	logger, e := telemetry.NewLogger(io.Discard, "info", "json"), fullEvent()
	b.ReportAllocs()
	for b.Loop() {
		e.Log(logger)
	}
}
