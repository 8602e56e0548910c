package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

// Bounds of texts that others choose, in bytes.
const (
	maxUserAgent = 100
	maxDetail    = 2000
)

// Event is the one log line of a request: made when it arrives, filled on the way by the goroutine that serves it, and
// written once at its end. Its methods do nothing on a nil Event, because work that callers share runs without one.
type Event struct {
	RequestID string
	Method    string // written as _OTHER when HTTP does not know it
	Route     string // template, such as /v1/namespaces/{namespace}/workflows; empty when nothing matched
	Status    int    // HTTP status sent
	Code      string // code of the problem sent, such as workflow-not-found
	Namespace string
	Principal string // name of the caller, never a credential

	RPC           string // method of the last upstream call
	GRPCCode      string // its outcome, such as NOT_FOUND
	UpstreamCalls int    // calls that reached for the upstream, retries included
	Retries       int

	ClientIP  string
	UserAgent string // written up to 100 bytes
	BytesIn   int64
	BytesOut  int64
	Duration  time.Duration // written in whole microseconds
	TraceID   string
	Detail    string // why it failed, for the log only
}

// SetNamespace notes the namespace that the request is for.
func (e *Event) SetNamespace(name string) {
	if e != nil {
		e.Namespace = name
	}
}

// SetPrincipal notes who calls.
func (e *Event) SetPrincipal(name string) {
	if e != nil {
		e.Principal = name
	}
}

// SetProblem notes the code that the caller is told and the detail that only the log is told.
func (e *Event) SetProblem(code, detail string) {
	if e != nil {
		e.Code, e.Detail = code, detail
	}
}

// AddCall notes the outcome of one upstream call.
func (e *Event) AddCall(rpc string, code codes.Code) {
	if e != nil {
		e.RPC, e.GRPCCode = rpc, CodeName(code)
		e.UpstreamCalls++
	}
}

// AddRetry notes that the upstream call to come repeats one.
func (e *Event) AddRetry() {
	if e != nil {
		e.Retries++
	}
}

// Log writes the line: an error when the gateway failed (5xx), a warning when the upstream was away or late (503, 504),
// else for information. Empty fields are left out.
func (e *Event) Log(logger *slog.Logger) {
	if e == nil {
		return
	}
	ctx, level := context.Background(), e.level()
	if !logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 18) // fixed, so that it stays on the stack
	attrs = text(attrs, "requestId", e.RequestID)
	attrs = text(attrs, "method", knownMethod(e.Method))
	attrs = text(attrs, "route", e.Route)
	attrs = number(attrs, "status", int64(e.Status))
	attrs = text(attrs, "code", e.Code)
	attrs = text(attrs, "namespace", e.Namespace)
	attrs = text(attrs, "principal", e.Principal)
	attrs = text(attrs, "rpc", e.RPC)
	attrs = text(attrs, "grpcCode", e.GRPCCode)
	attrs = number(attrs, "upstreamCalls", int64(e.UpstreamCalls))
	attrs = number(attrs, "retries", int64(e.Retries))
	attrs = text(attrs, "clientIp", e.ClientIP)
	attrs = text(attrs, "userAgent", cut(e.UserAgent, maxUserAgent))
	attrs = number(attrs, "bytesIn", e.BytesIn)
	attrs = number(attrs, "bytesOut", e.BytesOut)
	attrs = append(attrs, slog.Int64("durationUs", e.Duration.Microseconds()))
	attrs = text(attrs, "traceId", e.TraceID)
	attrs = text(attrs, "detail", cut(e.Detail, maxDetail))
	logger.LogAttrs(ctx, level, "request", attrs...)
}

func (e *Event) level() slog.Level {
	switch {
	case e.Status == http.StatusServiceUnavailable, e.Status == http.StatusGatewayTimeout:
		return slog.LevelWarn
	case e.Status >= http.StatusInternalServerError:
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}

// text adds an attribute unless it is empty.
func text(attrs []slog.Attr, key, value string) []slog.Attr {
	if value == "" {
		return attrs
	}
	return append(attrs, slog.String(key, value))
}

// number adds an attribute unless it is zero.
func number(attrs []slog.Attr, key string, value int64) []slog.Attr {
	if value == 0 {
		return attrs
	}
	return append(attrs, slog.Int64(key, value))
}

// cut shortens text to at most limit bytes of whole characters.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}
