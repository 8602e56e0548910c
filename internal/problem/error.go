package problem

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/grpc/status"
)

// Error is a refusal or a failure that a door turns into an answer. The zero
// value is not useful; make one with [New] or [FromStatus].
type Error struct {
	// Code selects the row of the table, and with it status and title.
	Code Code
	// Detail is the text that the caller sees. It never holds a secret, an
	// address or the text of an internal failure.
	Detail string
	// Members are the fields that this occurrence adds to the document.
	Members Members
	// RetryAfter overrides the table's Retry-After. Zero keeps the table's.
	RetryAfter time.Duration
	// Upstream is the status that the upstream answered with, nil when the
	// gateway itself refused.
	Upstream *status.Status

	cause error
}

// Members are the problem document's fields beside the standard ones. Empty
// ones are left out.
type Members struct {
	WorkflowID          string  `json:"workflowId,omitempty"`
	RunID               string  `json:"runId,omitempty"`
	FirstExecutionRunID string  `json:"firstExecutionRunId,omitempty"`
	UpdateID            string  `json:"updateId,omitempty"`
	WorkflowStatus      string  `json:"workflowStatus,omitempty"`
	Failure             any     `json:"failure,omitempty"`
	Errors              []Field `json:"errors,omitempty"`
	// Allow and Accept become headers (RFC 9110 section 10.2.1, Accept-Post
	// of the Linked Data Platform), not members.
	Allow      []string `json:"-"`
	AcceptPost string   `json:"-"`
	// BearerError is the error code of RFC 6750 section 3.1 for the
	// WWW-Authenticate header; empty when no credential was sent.
	BearerError string `json:"-"`
}

// Field says what is wrong with one part of a request.
type Field struct {
	// Pointer is a JSON pointer (RFC 6901) into the body, or the name of a
	// query parameter or header.
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// New makes an error of the given code; detail is shown to the caller.
func New(code Code, detail string) *Error {
	return &Error{Code: code, Detail: detail}
}

// Newf is [New] with a format. Format only text that the caller may see.
func Newf(code Code, format string, args ...any) *Error {
	return New(code, fmt.Sprintf(format, args...))
}

// Invalid refuses a request of which one part is wrong.
func Invalid(pointer, detail string) *Error {
	return InvalidFields(Field{Pointer: pointer, Detail: detail})
}

// InvalidFields refuses a request of which several parts are wrong.
func InvalidFields(fields ...Field) *Error {
	e := New(InvalidRequest, "The request is invalid.")
	if len(fields) > 0 {
		e.Detail = fmt.Sprintf("%s: %s", fields[0].Pointer, fields[0].Detail)
	}
	e.Members.Errors = fields
	return e
}

// Unreadable returns the problem of an upstream response that is not the message
// that it should be, or holds a value that the gateway cannot convert. The cause
// may be nil.
func Unreadable(cause error) *Error {
	return New(UpstreamError, "The Temporal server's answer cannot be read.").WithCause(cause)
}

// ShuttingDown returns the problem of a request that a draining replica rejects,
// or of a wait that it ends.
func ShuttingDown() *Error { return New(Draining, "This replica is shutting down.") }

// WithCause attaches what only the log may tell, and returns e.
func (e *Error) WithCause(cause error) *Error {
	e.cause = cause
	return e
}

// Error is the text for the log; it may hold what a caller must not see.
func (e *Error) Error() string {
	if e.cause == nil {
		return string(e.Code) + ": " + e.Detail
	}
	return string(e.Code) + ": " + e.Detail + " (" + e.cause.Error() + ")"
}

// LogDetail is what the log tells of the error beside its code. What the caller
// is to blame for is told to the caller: its text may quote what was sent. What
// is wrong with a token is told to nobody but the log, in fixed words.
func (e *Error) LogDetail() string {
	if e.Code.Row().Status < http.StatusInternalServerError && e.Code != InvalidToken {
		return ""
	}
	return e.Error()
}

// Unwrap gives the cause, so that errors.Is sees context errors.
func (e *Error) Unwrap() error { return e.cause }

// Of gives the [Error] in err's chain; any other error is an internal one
// whose text stays in the log.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return New(Internal, "The gateway failed to handle the request.").WithCause(err)
}

// Is reports whether err is a problem of the given code.
func Is(err error, code Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}
