package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

// Bounds of texts that others choose, in bytes. A refused call may name any
// namespace, so the log takes less than a namespace may have by the server's
// own limit, which is that of ids.
const (
	maxUserAgent = 100
	maxDetail    = 2000
	maxNamespace = 255
	maxPrincipal = 512
	maxResource  = 1000
	maxClientIP  = 64 // an IPv6 address may have a zone of any length
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
	write(ctx, logger, level, e)
}

func (*Event) message() string { return "request" }

// describe lists what there is to tell, in the order of the line.
func (e *Event) describe(to fields) {
	text := func(key, value string) {
		if value != "" {
			to.text(key, value)
		}
	}
	number := func(key string, value int64) {
		if value != 0 {
			to.number(key, value)
		}
	}
	text("requestId", e.RequestID)
	text("method", knownMethod(e.Method))
	text("route", e.Route)
	number("status", int64(e.Status))
	text("code", e.Code)
	text("namespace", shorten(e.Namespace, maxNamespace))
	text("principal", shorten(e.Principal, maxPrincipal))
	text("rpc", e.RPC)
	text("grpcCode", e.GRPCCode)
	number("upstreamCalls", int64(e.UpstreamCalls))
	number("retries", int64(e.Retries))
	text("clientIp", shorten(e.ClientIP, maxClientIP))
	text("userAgent", truncate(e.UserAgent, maxUserAgent))
	number("bytesIn", e.BytesIn)
	number("bytesOut", e.BytesOut)
	to.number("durationUs", e.Duration.Microseconds())
	text("traceId", e.TraceID)
	text("detail", truncate(e.Detail, maxDetail))
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

// truncate shortens text to at most limit bytes of whole characters.
func truncate(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}

// shorten is [truncate] with a mark where text is missing, for texts that name
// something: a name that was shortened must not pass for another.
func shorten(text string, limit int) string {
	const mark = "…"
	if len(text) <= limit {
		return text
	}
	return truncate(text, limit-len(mark)) + mark
}
