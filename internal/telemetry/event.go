package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

// The maximum lengths, in bytes, of texts that callers choose. Longer ones are truncated: a request may be rejected, and
// logged, before the lengths of its namespace and ids have been checked.
const (
	maxUserAgent = 100
	maxDetail    = 2000
	maxNamespace = 255
	maxPrincipal = 512
	maxResource  = 1000
	maxClientIP  = 64 // the zone of an IPv6 address has no maximum length
)

// Event is the log line of a request. Package server creates it when the request arrives and writes it once, at the
// end. Only the goroutine that serves the request sets its fields. The methods of a nil Event are no-ops, because work
// that several requests share has no event.
type Event struct {
	RequestID string
	Method    string // written as _OTHER if HTTP does not define it
	Route     string // route template, such as /v1/namespaces/{namespace}/workflows; empty if no route matched
	Status    int    // status of the response
	Code      string // code of the problem in the response, such as workflow-not-found
	Namespace string
	Principal string // name of the caller, never a credential
	KeyID     string // id of a rejected API key, as the caller sent it; well-formed
	Reason    string // why the credential was rejected, one of a fixed set of texts

	RPC           string // method of the last upstream call
	GRPCCode      string // gRPC code of the last upstream call, such as NOT_FOUND
	UpstreamCalls int    // attempts to call the upstream, retries included
	Retries       int

	ClientIP  string
	UserAgent string // truncated to 100 bytes
	BytesIn   int64
	BytesOut  int64
	Duration  time.Duration // written in whole microseconds
	TraceID   string
	Detail    string // cause of the failure, for the log only
}

// SetNamespace records the namespace of the request.
func (e *Event) SetNamespace(name string) {
	if e != nil {
		e.Namespace = name
	}
}

// SetPrincipal records the name of the principal.
func (e *Event) SetPrincipal(name string) {
	if e != nil {
		e.Principal = name
	}
}

// SetRejection records why the credential of the request was rejected, and the id of the API key if it was one.
func (e *Event) SetRejection(reason, keyID string) {
	if e != nil {
		e.Reason, e.KeyID = reason, keyID
	}
}

// SetProblem records the code in the response, and a detail that goes only to the log.
func (e *Event) SetProblem(code, detail string) {
	if e != nil {
		e.Code, e.Detail = code, detail
	}
}

// AddCall records the gRPC code of one upstream call.
func (e *Event) AddCall(rpc string, code codes.Code) {
	if e != nil {
		e.RPC, e.GRPCCode = rpc, CodeName(code)
		e.UpstreamCalls++
	}
}

// AddRetry records that the next upstream call is a retry.
func (e *Event) AddRetry() {
	if e != nil {
		e.Retries++
	}
}

// Log writes the line. Its level is warn for the statuses 503 and 504, error for other statuses of 500 and above, and
// info for all others. Empty fields are omitted.
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

// describe writes the fields in the order in which the log line has them.
func (e *Event) describe(out fields) {
	text := func(key, value string) {
		if value != "" {
			out.text(key, value)
		}
	}
	number := func(key string, value int64) {
		if value != 0 {
			out.number(key, value)
		}
	}
	text("requestId", e.RequestID)
	text("method", knownMethod(e.Method))
	text("route", e.Route)
	number("status", int64(e.Status))
	text("code", e.Code)
	text("namespace", truncateName(e.Namespace, maxNamespace))
	text("principal", truncateName(e.Principal, maxPrincipal))
	text("keyId", e.KeyID)
	text("reason", e.Reason)
	text("rpc", e.RPC)
	text("grpcCode", e.GRPCCode)
	number("upstreamCalls", int64(e.UpstreamCalls))
	number("retries", int64(e.Retries))
	text("clientIp", truncateName(e.ClientIP, maxClientIP))
	text("userAgent", truncate(e.UserAgent, maxUserAgent))
	number("bytesIn", e.BytesIn)
	number("bytesOut", e.BytesOut)
	out.number("durationUs", e.Duration.Microseconds())
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

// truncate returns at most limit bytes of text without splitting a character.
func truncate(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}

// truncateName is [truncate] with an ellipsis at the end of a truncated text, because a truncated name must not look
// like another name.
func truncateName(text string, limit int) string {
	const ellipsis = "…"
	if len(text) <= limit {
		return text
	}
	return truncate(text, limit-len(ellipsis)) + ellipsis
}
