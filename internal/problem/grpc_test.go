package problem_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/problem"
)

// The statuses are those that google.rpc.Code defines, except for the two codes that
// concern the gateway and not its caller: Canceled and Unauthenticated.
func TestHTTPStatusOfUpstreamCodes(t *testing.T) {
	t.Parallel()
	for code, want := range map[codes.Code]int{
		codes.Canceled:           http.StatusServiceUnavailable, // the gateway's connection was closed
		codes.Unknown:            http.StatusInternalServerError,
		codes.InvalidArgument:    http.StatusBadRequest,
		codes.DeadlineExceeded:   http.StatusGatewayTimeout,
		codes.NotFound:           http.StatusNotFound,
		codes.AlreadyExists:      http.StatusConflict,
		codes.PermissionDenied:   http.StatusForbidden,
		codes.ResourceExhausted:  http.StatusTooManyRequests,
		codes.FailedPrecondition: http.StatusBadRequest,
		codes.Aborted:            http.StatusConflict,
		codes.OutOfRange:         http.StatusBadRequest,
		codes.Unimplemented:      http.StatusNotImplemented,
		codes.Internal:           http.StatusInternalServerError,
		codes.Unavailable:        http.StatusServiceUnavailable,
		codes.DataLoss:           http.StatusInternalServerError,
		codes.Unauthenticated:    http.StatusBadGateway, // the gateway's credential was rejected
		codes.Code(99):           http.StatusInternalServerError,
	} {
		require.Equal(t, want, problem.FromStatus(status.New(code, "text"), "StartWorkflowExecution").HTTPStatus(), code)
	}
}
