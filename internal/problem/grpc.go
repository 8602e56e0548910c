package problem

import (
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Status returns the error as a gRPC status, for doors whose clients expect one.
// For an error of the upstream, it is the upstream's status; a message that is for
// the log only is replaced by the detail.
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

// fromUpstream reports whether the upstream's status concerns the caller. Two
// codes concern the gateway instead: Unauthenticated, because its own
// credential was rejected, and Canceled, because its connection was closed.
func (e *Error) fromUpstream() bool {
	return e.Upstream != nil && e.Upstream.Code() != codes.Unauthenticated && e.Upstream.Code() != codes.Canceled
}

// HTTPStatus returns the HTTP status of the error. An error of the upstream has
// the status that grpc-gateway maps its code to, as in Temporal's own HTTP API.
// An error of the gateway has the status of the table.
func (e *Error) HTTPStatus() int {
	if !e.fromUpstream() || e.Code == PayloadTooLarge && e.Upstream.Code() == codes.ResourceExhausted {
		// A request that exceeds gRPC's own message limit fails on every attempt, but
		// the status 429 would make clients retry it.
		return e.Code.Row().Status
	}
	return runtime.HTTPStatusFromCode(e.Upstream.Code())
}

// GRPC returns the gRPC code for an error of the gateway itself.
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
	case http.StatusConflict, http.StatusUnprocessableEntity:
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
