package temporalhttp_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const describePath = "/namespaces/default/workflows/w"

// The messages and details of errors with these codes are for the caller, unlike those of the errors in
// TestInternalErrorMessagesAreWithheld.
func TestUpstreamErrorsAreReturnedUnchanged(t *testing.T) {
	t.Parallel()
	for code, status := range map[codes.Code]int{
		codes.NotFound: http.StatusNotFound, codes.InvalidArgument: http.StatusBadRequest, codes.FailedPrecondition: http.StatusBadRequest,
		codes.OutOfRange: http.StatusBadRequest, codes.AlreadyExists: http.StatusConflict, codes.Aborted: http.StatusConflict,
		codes.PermissionDenied: http.StatusForbidden, codes.ResourceExhausted: http.StatusTooManyRequests, codes.Unimplemented: http.StatusNotImplemented,
	} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
				var details []protoadapt.MessageV1
				if code != codes.Unimplemented { // gRPC itself returns this code, without details
					details = append(details, &errordetails.NotFoundFailure{CurrentCluster: "a", ActiveCluster: "b"}, &errordetails.NamespaceNotFoundFailure{Namespace: "n"})
				}
				g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Fail(code, "a <message> of the server", details...))
				s := servertest.RequireRPCError(t, g.Do(t, http.MethodGet, describePath, ""), status, code)
				require.Equal(t, "a <message> of the server", s.Message)
				if details != nil {
					require.Equal(t, []map[string]any{
						{"@type": "type.googleapis.com/temporal.api.errordetails.v1.NotFoundFailure", "currentCluster": "a", "activeCluster": "b"},
						{"@type": "type.googleapis.com/temporal.api.errordetails.v1.NamespaceNotFoundFailure", "namespace": "n"},
					}, s.Details)
				}
			})
		})
	}
}

// Details of an unknown type are returned as bytes. If a detail cannot be encoded, the
// error is returned without details.
func TestErrorDetailsThatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.NotFound, "gone",
			&anypb.Any{TypeUrl: "type.googleapis.com/own.Unknown", Value: []byte("abc")}))
		s := servertest.RequireRPCError(t, g.Do(t, http.MethodGet, describePath, ""), http.StatusNotFound, codes.NotFound)
		require.Equal(t, "gone", s.Message)
		require.Len(t, s.Details, 1)

		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.NotFound, "gone", &structpb.Value{}))
		s = servertest.RequireRPCError(t, g.Do(t, http.MethodGet, describePath, ""), http.StatusNotFound, codes.NotFound)
		require.Equal(t, "gone", s.Message)
	})
}

func TestInternalErrorMessagesAreWithheld(t *testing.T) {
	t.Parallel()
	const internal = "pq: at 10.0.0.7:5432"
	for code, c := range map[codes.Code]struct {
		status int
		code   codes.Code
	}{
		codes.Unavailable: {http.StatusServiceUnavailable, codes.Unavailable}, codes.Internal: {http.StatusInternalServerError, codes.Internal},
		codes.Unknown: {http.StatusInternalServerError, codes.Unknown}, codes.DataLoss: {http.StatusInternalServerError, codes.DataLoss},
		codes.DeadlineExceeded: {http.StatusGatewayTimeout, codes.DeadlineExceeded},
		codes.Unauthenticated:  {http.StatusBadGateway, codes.Unavailable}, // the gateway's credential was rejected, not the caller's
		codes.Canceled:         {http.StatusServiceUnavailable, codes.Unavailable}, codes.Code(77): {http.StatusInternalServerError, codes.Code(77)},
	} {
		t.Run(strconv.Itoa(int(code)), func(t *testing.T) {
			t.Parallel()
			withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
				g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Fail(code, internal, &errordetails.NotFoundFailure{CurrentCluster: internal}))
				resp := g.Do(t, http.MethodGet, describePath, "")
				servertest.RequireRPCError(t, resp, c.status, c.code)
				require.NotContains(t, resp.Body, "10.0.0.7")
				for _, values := range resp.Header {
					require.NotContains(t, values, internal)
				}
				require.Contains(t, g.Log.String(), "10.0.0.7")
			})
		})
	}
}

func TestFailedCallsAreNotRetried(t *testing.T) {
	t.Parallel()
	withGateway(t, func(cfg *config.Config) { cfg.Upstream.Breaker.Failures = 1000 }, func(t *testing.T, g *servertest.Gateway) {
		for _, b := range servertest.Bindings(t) {
			if b.Method.Name() == "GetSystemInfo" {
				continue // the gateway's health check also calls it
			}
			name := string(b.Method.Name())
			g.Upstream.Handle(name, upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "unavailable"), upstreamtest.Respond(&workflowservice.GetSystemInfoResponse{})))
			before := len(g.Upstream.Calls(name))
			resp := g.Do(t, b.HTTPMethod, b.Path("default"), b.Body("default"), servertest.Bearer(servertest.RootKey)...)
			servertest.RequireRPCError(t, resp, http.StatusServiceUnavailable, codes.Unavailable)
			require.Len(t, g.Upstream.Calls(name), before+1, name)
		}
	})
}

func TestUnimplementedMethodReturns501(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		g.Upstream.Handle("CountWorkers", nil)
		servertest.RequireRPCError(t, g.Do(t, http.MethodGet, "/api/v1/namespaces/default/worker-count", ""), http.StatusNotImplemented, codes.Unimplemented)
	})
}
