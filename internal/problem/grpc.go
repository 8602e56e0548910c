package problem

import (
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Status is the error as gRPC has it, for the doors whose clients know nothing
// else: what the upstream said, or what the gateway itself has to say. Text of
// the upstream's that only the log may hold is replaced.
func (e *Error) Status() *status.Status {
	switch {
	case !e.fromUpstream():
		return status.New(e.Code.GRPC(), e.Detail)
	case isWithheld(e.Upstream.Code()):
		return status.New(e.Upstream.Code(), e.Detail)
	default:
		shown := proto.CloneOf(e.Upstream.Proto())
		shown.Message = strings.ToValidUTF8(shown.GetMessage(), "\uFFFD")
		return status.FromProto(shown)
	}
}

// fromUpstream tells what the upstream said to the caller from what it said to
// us: that our credential is no good, or that our connection was cut.
func (e *Error) fromUpstream() bool {
	return e.Upstream != nil && e.Upstream.Code() != codes.Unauthenticated && e.Upstream.Code() != codes.Canceled
}

// HTTPStatus is the error's status: grpc-gateway's mapping (google.rpc.Code) for
// what the upstream said, as Temporal's own HTTP API has it, and the table's for
// what the gateway says itself.
func (e *Error) HTTPStatus() int {
	if !e.fromUpstream() || e.Code == PayloadTooLarge && e.Upstream.Code() == codes.ResourceExhausted {
		// A message that gRPC's own limit refuses is too large for every attempt, and
		// 429 would have clients repeat it.
		return e.Code.Row().Status
	}
	return runtime.HTTPStatusFromCode(e.Upstream.Code())
}

// GRPC is the code for a problem of the gateway's own.
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
