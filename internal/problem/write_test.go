package problem_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/errordetails/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/flowgate/flowgate/internal/problem"
)

// written writes the problem of an error and returns the response. The header "Body" of
// the response contains its body.
func written(t testing.TB, err error) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	status := problem.Write(w, err, problem.Occurrence{RequestID: "req-1", Instance: "/v1/namespaces/{namespace}/workflows"})
	response := w.Result()
	require.NoError(t, response.Body.Close())
	require.Equal(t, response.StatusCode, status)
	require.Equal(t, strconv.Itoa(w.Body.Len()), response.Header.Get("Content-Length"))
	require.True(t, jsontext.Value(w.Body.Bytes()).IsValid(), w.Body)
	response.Header.Set("Body", w.Body.String()) // so that a test can search the headers and the body at once
	return response
}

func body(t testing.TB, err error) string {
	t.Helper()
	return written(t, err).Header.Get("Body")
}

// members contains the members of a problem document that the tests read.
type members struct {
	GRPCCode    string           `json:"grpcCode"`
	GRPCDetails []jsontext.Value `json:"grpcDetails"`
	GRPCStatus  []byte           `json:"grpcStatus"`
	RetryAfter  int              `json:"retryAfter"`
}

func membersOf(t testing.TB, err error) members {
	t.Helper()
	var m members
	require.NoError(t, json.Unmarshal([]byte(body(t, err)), &m))
	return m
}

// publicStatus returns the upstream status in the problem document of an error.
func publicStatus(t testing.TB, err error) *rpcstatus.Status {
	t.Helper()
	var public rpcstatus.Status
	require.NoError(t, proto.Unmarshal(membersOf(t, err).GRPCStatus, &public))
	return &public
}

func TestProblemDocuments(t *testing.T) {
	t.Parallel()
	started := statusOf(t, codes.AlreadyExists, "Workflow execution is already running.",
		&errordetails.WorkflowExecutionAlreadyStartedFailure{StartRequestId: "q", RunId: "r", FirstExecutionRunId: "f"})
	startedWire, err := proto.Marshal(started.Proto())
	require.NoError(t, err)
	failed := problem.New(problem.QueryFailed, "boom <&>")
	failed.Members = problem.Members{
		WorkflowID: "w", RunID: "r", UpdateID: "u", WorkflowStatus: "COMPLETED", Failure: jsontext.Value(`{"message":"boom"}`),
	}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"an error of the gateway": {
			err: problem.New(problem.RouteNotFound, "There is no such route."),
			want: `{"type":"/docs/problems#route-not-found","title":"Route not found","status":404,"detail":"There is no such route.",` +
				`"instance":"/v1/namespaces/{namespace}/workflows","code":"route-not-found","requestId":"req-1","retryable":false}`,
		},
		"an invalid request": {
			err: problem.Invalid("/taskQueue", "is missing"),
			want: `{"type":"/docs/problems#invalid-request","title":"Invalid request","status":400,"detail":"/taskQueue: is missing",` +
				`"instance":"/v1/namespaces/{namespace}/workflows","code":"invalid-request","requestId":"req-1","retryable":false,` +
				`"errors":[{"pointer":"/taskQueue","detail":"is missing"}]}`,
		},
		"with members": {
			err: failed,
			want: `{"type":"/docs/problems#query-failed","title":"Query failed","status":422,"detail":"boom <&>",` +
				`"instance":"/v1/namespaces/{namespace}/workflows","code":"query-failed","requestId":"req-1","retryable":false,` +
				`"workflowId":"w","runId":"r","updateId":"u","workflowStatus":"COMPLETED","failure":{"message":"boom"}}`,
		},
		"an error of the upstream": {
			err: problem.FromStatus(started, "StartWorkflowExecution"),
			want: `{"type":"/docs/problems#workflow-already-started","title":"Workflow already started","status":409,` +
				`"detail":"A workflow with this id has already been started.","instance":"/v1/namespaces/{namespace}/workflows",` +
				`"code":"workflow-already-started","requestId":"req-1","retryable":false,"grpcCode":"ALREADY_EXISTS",` +
				`"grpcDetails":[{"@type":"type.googleapis.com/temporal.api.errordetails.v1.WorkflowExecutionAlreadyStartedFailure",` +
				`"startRequestId":"q","runId":"r","firstExecutionRunId":"f"}],` +
				`"grpcStatus":"` + base64.StdEncoding.EncodeToString(startedWire) + `","runId":"r","firstExecutionRunId":"f"}`,
		},
		"an unavailable upstream": {
			err: problem.FromStatus(status.New(codes.Unavailable, "dial tcp 10.0.0.1: "+marker), "StartWorkflowExecution"),
			want: `{"type":"/docs/problems#upstream-unavailable","title":"Temporal server unavailable","status":503,` +
				`"detail":"The Temporal server cannot be reached at the moment.","instance":"/v1/namespaces/{namespace}/workflows",` +
				`"code":"upstream-unavailable","requestId":"req-1","retryable":true,"retryAfter":1,"grpcCode":"UNAVAILABLE",` +
				`"grpcStatus":"CA4SNFRoZSBUZW1wb3JhbCBzZXJ2ZXIgY2Fubm90IGJlIHJlYWNoZWQgYXQgdGhlIG1vbWVudC4="}`,
		},
		"an internal error": {
			err: errors.New(marker),
			want: `{"type":"/docs/problems#internal","title":"Internal error","status":500,` +
				`"detail":"The gateway failed to handle the request.","instance":"/v1/namespaces/{namespace}/workflows",` +
				`"code":"internal","requestId":"req-1","retryable":false}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want+"\n", body(t, test.err))
		})
	}
}

func TestProblemResponseHeaders(t *testing.T) {
	t.Parallel()
	for _, c := range declaredCodes(t) {
		response := written(t, problem.New(c, "detail"))
		require.Equal(t, c.Row().Status, response.StatusCode, c)
		require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"), c)
		require.Equal(t, "no-store", response.Header.Get("Cache-Control"), c)
		require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"), c)
		require.Equal(t, c.Row().Status == 401, response.Header.Get("WWW-Authenticate") != "", c)
		require.Equal(t, c.Row().RetryAfter > 0, response.Header.Get("Retry-After") != "", c)
	}
}

func TestInternalUpstreamMessagesAreWithheld(t *testing.T) {
	t.Parallel()
	for _, c := range []codes.Code{
		codes.Unavailable, codes.Unknown, codes.Internal, codes.DataLoss, codes.Unauthenticated, codes.Canceled,
		codes.DeadlineExceeded, codes.Code(99),
	} {
		st := statusOf(t, c, "dial tcp 10.0.0.1:7233: "+marker, &errordetails.SystemWorkflowFailure{WorkflowError: marker})
		err := problem.FromStatus(st, "StartWorkflowExecution")
		require.NotContains(t, fmt.Sprint(written(t, err).Header), marker, c)
		public := publicStatus(t, err)
		require.Equal(t, int32(c), public.GetCode()) //nolint:gosec // a small number
		require.Equal(t, err.Detail, public.GetMessage(), c)
		require.Empty(t, public.GetDetails(), c)
		require.Contains(t, err.Error(), marker, "%s: the log must contain the message", c)
	}
}

func TestGRPCStatusEqualsTheUpstreamStatus(t *testing.T) {
	t.Parallel()
	for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
		st := statusOf(t, c, "text", &errordetails.NotFoundFailure{CurrentCluster: "c"}, &errordetails.QueryFailedFailure{})
		err := problem.FromStatus(st, "DescribeWorkflowExecution")
		require.Equal(t, code.Code(c).String(), membersOf(t, err).GRPCCode)
		if public := publicStatus(t, err); len(public.GetDetails()) > 0 {
			require.True(t, proto.Equal(st.Proto(), public), "%s: %v", c, public)
			require.Len(t, membersOf(t, err).GRPCDetails, 2)
		} else {
			require.NotEqual(t, "text", public.GetMessage(), "%s: if the details are withheld, so must be the message", c)
		}
		require.Equal(t, "text", st.Message(), "FromStatus must not modify the status")
	}
}

func TestUnknownDetailsAreReturnedAsBytes(t *testing.T) {
	t.Parallel()
	broken := &anypb.Any{TypeUrl: "type.googleapis.com/temporal.api.errordetails.v1.NotFoundFailure", Value: []byte{0x0a, 0xff}}
	for name, test := range map[string]struct {
		detail *anypb.Any
		want   string
	}{
		"unknown type":      {&anypb.Any{TypeUrl: "type.googleapis.com/acme.Novel", Value: []byte{1, 2, 3}}, `{"@type":"type.googleapis.com/acme.Novel","value":"AQID"}`},
		"no type":           {&anypb.Any{Value: []byte{1}}, `{"@type":"","value":"AQ=="}`},
		"type is not a URL": {&anypb.Any{TypeUrl: "acme", Value: []byte{1}}, `{"@type":"acme","value":"AQ=="}`},
		"invalid value":     {broken, `{"@type":"` + broken.GetTypeUrl() + `","value":"Cv8="}`},
		"no value":          {&anypb.Any{TypeUrl: "type.googleapis.com/acme.Novel"}, `{"@type":"type.googleapis.com/acme.Novel","value":""}`},
	} {
		p := status.New(codes.NotFound, "text").Proto()
		p.Details = []*anypb.Any{test.detail}
		err := problem.FromStatus(status.FromProto(p), "DescribeWorkflowExecution")
		require.Equal(t, problem.WorkflowNotFound, err.Code, name)
		require.Equal(t, []jsontext.Value{jsontext.Value(test.want)}, membersOf(t, err).GRPCDetails, name)
		require.True(t, proto.Equal(p, publicStatus(t, err)), name)
	}
}

func TestRetryAfterRoundsUp(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]int{
		0: 1, time.Millisecond: 1, time.Second: 1, time.Second + 1: 2, 90 * time.Second: 90,
	} {
		err := problem.New(problem.RateLimited, "slow down")
		err.RetryAfter = after
		require.Equal(t, strconv.Itoa(want), written(t, err).Header.Get("Retry-After"), after)
		require.Equal(t, want, membersOf(t, err).RetryAfter, after)
	}
	require.Empty(t, written(t, problem.New(problem.Conflict, "no")).Header.Values("Retry-After"))
}

func TestChallengeDistinguishesMissingAndInvalidCredentials(t *testing.T) {
	t.Parallel()
	missing := problem.New(problem.Unauthenticated, "Send a credential.")
	require.Equal(t, []string{`Bearer realm="flowgate"`}, written(t, missing).Header.Values("WWW-Authenticate"))
	wrong := problem.New(problem.InvalidCredential, "The credential is not valid.")
	wrong.Members.BearerError = "invalid_token"
	require.Equal(t, []string{`Bearer realm="flowgate", error="invalid_token"`}, written(t, wrong).Header.Values("WWW-Authenticate"))
	require.NotContains(t, body(t, wrong), "invalid_token", "the error code must be in the header only")
}

func TestAllowAndAcceptPostAreHeadersOnly(t *testing.T) {
	t.Parallel()
	method := problem.New(problem.MethodNotAllowed, "no")
	method.Members.Allow = []string{"GET", "POST"}
	require.Equal(t, "GET, POST", written(t, method).Header.Get("Allow"))
	media := problem.New(problem.UnsupportedMediaType, "no")
	media.Members.AcceptPost = "application/json"
	require.Equal(t, "application/json", written(t, media).Header.Get("Accept-Post"))
	require.NotContains(t, body(t, method)+body(t, media), `"allow"`)
	require.NotContains(t, body(t, method)+body(t, media), `"acceptPost"`)
}

func TestMembersThatCannotBeEncodedAreOmitted(t *testing.T) {
	t.Parallel()
	err := problem.New(problem.QueryFailed, "boom")
	err.Members = problem.Members{WorkflowID: "w", Failure: func() {}}
	require.JSONEq(t, `{"type":"/docs/problems#query-failed","title":"Query failed","status":422,"detail":"boom",
		"instance":"/v1/namespaces/{namespace}/workflows","code":"query-failed","requestId":"req-1","retryable":false}`, body(t, err))
}

// A gRPC status message can contain any bytes, because gRPC percent-encodes it.
func TestInvalidUTF8IsReplaced(t *testing.T) {
	t.Parallel()
	err := problem.FromStatus(status.New(codes.NotFound, "workflow \xff\xfe not found"), "DescribeWorkflowExecution")
	err.Members.WorkflowID = "w\xff"
	require.Contains(t, body(t, err), "workflow \uFFFD")
	require.Contains(t, body(t, err), `"workflowId":"w`+"\uFFFD")
	require.Equal(t, "workflow \uFFFD not found", publicStatus(t, err).GetMessage())
}
