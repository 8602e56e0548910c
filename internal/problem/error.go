package problem

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/grpc/status"
)

// Error is an error that a door writes as a response. Create it with [New] or
// [FromStatus].
type Error struct {
	// Code selects the [Row] with the HTTP status and the title.
	Code Code
	// Detail is the text for the caller. It must not contain a secret, an
	// address or the text of an internal failure.
	Detail string
	// Members are the additional members of the problem document.
	Members Members
	// RetryAfter overrides the RetryAfter of the code's [Row], unless it is zero.
	RetryAfter time.Duration
	// Upstream is the status that the upstream returned, or nil if the error
	// comes from the gateway itself.
	Upstream *status.Status
	// MayHaveTakenEffect reports that a call that writes was sent to the upstream and was
	// not refused: see [Error.StatusCode].
	MayHaveTakenEffect bool

	cause error
}

// Members contains the extension members of a problem document (RFC 9457 section 3.2)
// and values of response headers. Empty members are omitted.
type Members struct {
	WorkflowID          string `json:"workflowId,omitempty"`
	RunID               string `json:"runId,omitempty"`
	FirstExecutionRunID string `json:"firstExecutionRunId,omitempty"`
	UpdateID            string `json:"updateId,omitempty"`
	ScheduleID          string `json:"scheduleId,omitempty"`
	// ETag is the current entity tag of the resource. It is also the header ETag (RFC
	// 9110 section 8.8.3).
	ETag           string  `json:"etag,omitempty"`
	WorkflowStatus string  `json:"workflowStatus,omitempty"`
	Failure        any     `json:"failure,omitempty"`
	Errors         []Field `json:"errors,omitempty"`
	// Allow, AcceptPost and AcceptPatch are values of the headers Allow (RFC 9110
	// section 10.2.1), Accept-Post (Linked Data Platform) and Accept-Patch (RFC
	// 5789).
	Allow       []string `json:"-"`
	AcceptPost  string   `json:"-"`
	AcceptPatch string   `json:"-"`
	// BearerError is the error code (RFC 6750 section 3.1) in the header
	// WWW-Authenticate. It is empty if the request has no credential.
	BearerError string `json:"-"`
}

// Field describes a fault in one part of a request.
type Field struct {
	// Pointer is one of: a JSON pointer (RFC 6901) into the body; a question
	// mark followed by the name of a query parameter; the name of a header.
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// New returns an error with a code and the detail that the caller sees.
func New(code Code, detail string) *Error {
	return &Error{Code: code, Detail: detail}
}

// Newf is like [New], but formats the detail. The arguments must be text that the
// caller may see.
func Newf(code Code, format string, args ...any) *Error {
	return New(code, fmt.Sprintf(format, args...))
}

// Invalid returns an [InvalidRequest] error for one faulty part of a request.
func Invalid(pointer, detail string) *Error {
	return InvalidFields(Field{Pointer: pointer, Detail: detail})
}

// InvalidFields returns an [InvalidRequest] error for all faulty parts of a
// request.
func InvalidFields(fields ...Field) *Error {
	e := New(InvalidRequest, "The request is invalid.")
	if len(fields) > 0 {
		e.Detail = fmt.Sprintf("%s: %s", fields[0].Pointer, fields[0].Detail)
	}
	e.Members.Errors = fields
	return e
}

// UnreadableResponse returns the problem of an upstream response that is not a valid
// message, or that contains a value that the gateway cannot convert. The cause may
// be nil.
func UnreadableResponse(cause error) *Error {
	return New(UpstreamError, "The Temporal server's response cannot be read.").WithCause(cause)
}

// ShuttingDown returns the problem for a request that a draining replica rejects, and
// for a wait that such a replica ends.
func ShuttingDown() *Error { return New(Draining, "This replica is shutting down.") }

// WithCause sets the cause, which is for the log only, and returns e.
func (e *Error) WithCause(cause error) *Error {
	e.cause = cause
	return e
}

// AfterWrite returns err for a request that has sent a call that writes, which may have
// taken effect. It returns a copy of a problem, because several requests may share one.
func AfterWrite(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.MayHaveTakenEffect {
		return err
	}
	sent := *e
	sent.MayHaveTakenEffect = true
	return &sent
}

// StatusCode returns the HTTP status on the client API. It is that of the code's [Row],
// except that 504 replaces 503 if a write may have taken effect. So a load balancer, which
// sees only the status, can repeat a request that gets 503. [UpdateNotAdmitted] keeps 503:
// the update is safe to repeat with its id, and load balancers must not repeat updates.
func (e *Error) StatusCode() int {
	status := e.Code.Row().Status
	if e.MayHaveTakenEffect && e.Code != UpdateNotAdmitted && status == http.StatusServiceUnavailable {
		return http.StatusGatewayTimeout
	}
	return status
}

// Error returns the text for the log. The text may contain details that a caller
// must not see.
func (e *Error) Error() string {
	if e.cause == nil {
		return string(e.Code) + ": " + e.Detail
	}
	return string(e.Code) + ": " + e.Detail + " (" + e.cause.Error() + ")"
}

// LogDetail returns the text that the request log has in addition to the code. It is
// empty for errors that the caller has caused, because their detail may quote the
// request, which the log must not contain. The exception is [InvalidToken]: its cause
// is one of a fixed set of texts, and only the log contains it.
func (e *Error) LogDetail() string {
	if e.Code.Row().Status < http.StatusInternalServerError && e.Code != InvalidToken {
		return ""
	}
	return e.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Of returns the [Error] in the chain of err. Any other error becomes the cause of
// an [Internal] error.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return New(Internal, "The gateway failed to handle the request.").WithCause(err)
}

// Is reports whether err is an [Error] with the given code.
func Is(err error, code Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}
