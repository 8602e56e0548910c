package problem_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/errordetails/v1"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/flowgate/flowgate/internal/problem"
)

// logOnly is part of each text that may appear only in the log.
const logOnly = "MARKER-MARKER-MARKER"

// FuzzWrite writes problems with arbitrary content. The document must always be JSON in
// UTF-8 with the required members, and must never contain the cause.
func FuzzWrite(f *testing.F) {
	for _, text := range []string{
		"", "The request is invalid.", "\xff", "\xed\xa0\x80", "a\x00b", "a\r\nb: c", "<&>\u2028", `"\`, "\U0001f600", strings.Repeat("\xff", 300), strings.Repeat("x", 70<<10),
	} {
		f.Add("invalid-request", text, text, []byte(`{"message":"boom"}`), int64(0))
		f.Add(text, "x", text, []byte(text), int64(-1))
	}
	f.Add("rate-limited", "", "", []byte(`{"a":1,"a":2}`), int64(time.Nanosecond))
	f.Add("upstream-unavailable", "", "", []byte(`{`), int64(1<<63-1))
	f.Add("upstream-unavailable", "", "", []byte(`{}`), int64(1<<63-1))
	f.Add("internal", "", "", []byte(strings.Repeat("[", 10_001)+strings.Repeat("]", 10_001)), int64(1))
	f.Fuzz(func(t *testing.T, code, detail, member string, failure []byte, retryAfter int64) {
		e := problem.New(problem.Code(code), detail).WithCause(errors.New(logOnly))
		e.RetryAfter = time.Duration(retryAfter)
		e.Members = problem.Members{
			WorkflowID: member, RunID: member, WorkflowStatus: member, Failure: jsontext.Value(failure),
			Errors: []problem.Field{{Pointer: member, Detail: detail}, {Pointer: detail, Detail: member}},
		}
		w := httptest.NewRecorder()
		problem.Write(w, e, problem.Occurrence{RequestID: member, Instance: detail})
		d := checkDocument(t, w)
		require.Equal(t, string([]rune(code)), d["code"])
		require.NotContains(t, w.Body.String(), logOnly)
		if after := w.Header().Get("Retry-After"); after != "" {
			require.NotContains(t, after, "-")
			require.NotEqual(t, "0", after)
		}
	})
}

// FuzzUpstream writes problems for upstream statuses with any code, message and details.
// If the message is for the log only, the details must be omitted too.
func FuzzUpstream(f *testing.F) {
	for code := range uint32(19) {
		f.Add(code, "dial tcp 10.0.0.1:7233: refused", "DescribeWorkflowExecution", []byte{}, false)
		f.Add(code, "\xff\x00", "QueryWorkflow", wireOf(f, &errordetails.QueryFailedFailure{}), false)
		f.Add(code, "<html>", "", wireOf(f, &errordetails.WorkflowExecutionAlreadyStartedFailure{RunId: "r"}), true)
		f.Add(code, "workflow execution not found", "TerminateWorkflowExecution", wireOf(f, &errordetails.NamespaceNotFoundFailure{Namespace: "n"}), false)
		f.Add(code, "grpc: received message larger than max", "", wireOf(f, &errordetails.ResourceExhaustedFailure{Cause: 5, Scope: 2}), false)
		f.Add(code, "Blob data size exceeds limit", "", wireOf(f, &common.Payload{Data: []byte("\xff"), Metadata: map[string][]byte{"a": {0xff}}}), false)
	}
	f.Add(uint32(3), "x", "", []byte("\x1a\x08\n\x02x/\x12\x02\xff\xff"), false)
	f.Fuzz(func(t *testing.T, code uint32, message, method string, details []byte, notGRPC bool) {
		if len(details) > 4<<10 || len(message) > 4<<10 {
			return
		}
		message = logOnly + message
		if notGRPC {
			message = "unexpected HTTP status code received from server: 404 (Not Found); " + message
		}
		st := &rpcstatus.Status{}
		_ = proto.UnmarshalOptions{AllowPartial: true}.Unmarshal(details, st)
		st.Code, st.Message = int32(code), message //nolint:gosec // any number
		st.Details = append(st.Details, &anypb.Any{TypeUrl: "type.googleapis.com/x", Value: []byte(logOnly)})
		if codes.Code(code) == codes.OK {
			return // not an error
		}
		w := httptest.NewRecorder()
		problem.Write(w, problem.FromStatus(status.FromProto(st), method), problem.Occurrence{RequestID: "r", Instance: "/v1"})
		d := checkDocument(t, w)
		sent := &rpcstatus.Status{}
		if text, ok := d["grpcStatus"].(string); ok {
			wire, err := base64.StdEncoding.DecodeString(text)
			require.NoError(t, err)
			require.NoError(t, proto.Unmarshal(wire, sent))
		}
		require.NotEmpty(t, d["grpcCode"])
		public := codes.Code(code) == codes.InvalidArgument || codes.Code(code) == codes.NotFound || codes.Code(code) == codes.AlreadyExists ||
			codes.Code(code) == codes.PermissionDenied || codes.Code(code) == codes.ResourceExhausted || codes.Code(code) == codes.FailedPrecondition ||
			codes.Code(code) == codes.Aborted || codes.Code(code) == codes.OutOfRange || codes.Code(code) == codes.Unimplemented
		if public && !notGRPC {
			require.Equal(t, int32(code), sent.GetCode()) //nolint:gosec // any number
			require.Equal(t, validText(message), sent.GetMessage())
			require.Len(t, sent.GetDetails(), len(st.GetDetails()))
			return
		}
		require.NotContains(t, w.Body.String(), logOnly)
		require.NotContains(t, w.Body.String(), "10.0.0.1")
		require.NotContains(t, sent.GetMessage(), logOnly)
		require.Empty(t, sent.GetDetails())
		require.Nil(t, d["grpcDetails"])
	})
}

// wireOf returns the wire form of a google.rpc.Status with one detail.
func wireOf(f *testing.F, detail proto.Message) []byte {
	f.Helper()
	packed, err := anypb.New(detail)
	require.NoError(f, err)
	wire, err := proto.Marshal(&rpcstatus.Status{Details: []*anypb.Any{packed}})
	require.NoError(f, err)
	return wire
}

func validText(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// checkDocument requires that the response is a problem document of RFC 9457, and returns
// the document.
func checkDocument(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	body := w.Body.Bytes()
	require.True(t, utf8.Valid(body), "%q", body)
	var d map[string]any
	require.NoError(t, json.Unmarshal(body, &d), "%q", body)
	require.Equal(t, problem.ContentType, w.Header().Get("Content-Type"))
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	for _, name := range []string{"type", "title", "code"} {
		require.IsType(t, "", d[name], "%s: %s", name, body)
	}
	require.Equal(t, "/docs/problems#"+d["code"].(string), d["type"]) //nolint:forcetypeassert // IsType has checked the type
	require.NotEmpty(t, d["title"])
	require.InDelta(t, float64(w.Code), d["status"], 0)
	require.GreaterOrEqual(t, w.Code, http.StatusBadRequest)
	require.IsType(t, true, d["retryable"])
	return d
}
