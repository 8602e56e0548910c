package problem

import (
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Status returns the error as a gRPC status, for doors whose clients expect one. For an
// error that the upstream returned, it is the upstream's status. If the message of that
// status is for the log only, it is replaced by the detail.
func (e *Error) Status() *status.Status {
	switch {
	case !e.fromUpstream():
		return status.New(e.Code.GRPC(), e.Detail)
	case isWithheld(e.Upstream.Code()):
		return status.New(e.Upstream.Code(), e.Detail)
	default:
		public := proto.CloneOf(e.Upstream.Proto())
		public.Message = strings.ToValidUTF8(public.GetMessage(), "\uFFFD")
		return status.FromProto(public)
	}
}

// fromUpstream reports whether the error has an upstream status that concerns the
// caller. Two codes concern the gateway instead: Unauthenticated means that the upstream
// rejected the gateway's own credential, and Canceled that the connection between them
// was closed.
func (e *Error) fromUpstream() bool {
	return e.Upstream != nil && e.Upstream.Code() != codes.Unauthenticated && e.Upstream.Code() != codes.Canceled
}

// HTTPStatus returns the HTTP status of the error in the Temporal HTTP API. For an error
// that the upstream returned, grpc-gateway maps the gRPC code to the status, as in
// Temporal's own HTTP API. An error of the gateway has the status of its code.
func (e *Error) HTTPStatus() int {
	if !e.fromUpstream() || e.Code == PayloadTooLarge && e.Upstream.Code() == codes.ResourceExhausted {
		// If the request exceeds gRPC's own message limit, every attempt fails. The
		// status 429 would make clients retry it.
		return e.StatusCode()
	}
	return runtime.HTTPStatusFromCode(e.Upstream.Code())
}

// GRPC returns the gRPC code of an error with code c that the gateway itself returns.
func (c Code) GRPC() codes.Code {
	switch c.Row().Status {
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusNotFound:
		return codes.NotFound
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return codes.Unimplemented
	case http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity:
		return codes.FailedPrecondition
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge:
		return codes.ResourceExhausted
	case statusClientClosedRequest:
		return codes.Canceled
	case http.StatusInternalServerError:
		return codes.Internal
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return codes.Unavailable
	case http.StatusGatewayTimeout, http.StatusRequestTimeout:
		return codes.DeadlineExceeded
	default:
		return codes.InvalidArgument
	}
}
