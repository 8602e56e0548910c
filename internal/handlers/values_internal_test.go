package handlers

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

func TestEnumsAreNamedAsInTheSDK(t *testing.T) {
	t.Parallel()
	require.Equal(t, "TIMED_OUT", enumName(enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT))
	require.Empty(t, enumName(enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED))
	require.Equal(t, "4711", enumName(enums.WorkflowExecutionStatus(4711)), "newer than the gateway")
	policy, ok := enumValue[enums.WorkflowIdReusePolicy]("REJECT_DUPLICATE")
	require.True(t, ok)
	require.Equal(t, enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, policy)
	for _, name := range []string{"reject_duplicate", "WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE", "1", "X"} {
		_, ok := enumValue[enums.WorkflowIdReusePolicy](name)
		require.False(t, ok, name)
	}
}

// TestEveryEnumOfTheDocumentIsKnown holds the generated values against the
// protobuf ones.
func TestEveryEnumOfTheDocumentIsKnown(t *testing.T) {
	t.Parallel()
	for number := range enums.WorkflowIdReusePolicy_name {
		if value := enums.WorkflowIdReusePolicy(number); number != 0 {
			require.True(t, openapi.WorkflowIDReusePolicy(enumName(value)).Valid(), value)
		}
	}
	for number := range enums.WorkflowIdConflictPolicy_name {
		if value := enums.WorkflowIdConflictPolicy(number); number != 0 {
			require.True(t, openapi.WorkflowIDConflictPolicy(enumName(value)).Valid(), value)
		}
	}
	for number := range enums.QueryRejectCondition_name {
		if value := enums.QueryRejectCondition(number); number != 0 {
			require.True(t, openapi.QueryRejectCondition(enumName(value)).Valid(), value)
		}
	}
}

func TestTimesAndDurations(t *testing.T) {
	t.Parallel()
	for _, unset := range []*timestamppb.Timestamp{nil, {}, timestamppb.New(time.Time{})} {
		require.Empty(t, formatTime(unset))
	}
	require.Equal(t, "2026-11-21T09:30:00.125Z", formatTime(timestamppb.New(time.Date(2026, 11, 21, 10, 30, 0, 125e6, time.FixedZone("", 3600)))))
	require.Empty(t, formatDuration(nil))
	require.Equal(t, "5400s", formatDuration(durationpb.New(90*time.Minute)))
	require.Equal(t, "0.1s", formatDuration(durationpb.New(100*time.Millisecond)))
}

func TestRetryPolicyIsCompletedAsByTheSDK(t *testing.T) {
	t.Parallel()
	var f validation
	sent := f.retryPolicy("/retryPolicy", &openapi.RetryPolicy{InitialInterval: "2s"})
	require.NoError(t, f.err())
	require.Equal(t, 2*time.Second, sent.GetInitialInterval().AsDuration())
	require.Equal(t, 200*time.Second, sent.GetMaximumInterval().AsDuration())
	require.InDelta(t, 2.0, sent.GetBackoffCoefficient(), 0)

	one, low := int32(1), 0.1
	f.retryPolicy("/retryPolicy", &openapi.RetryPolicy{MaximumAttempts: &one, BackoffCoefficient: &low})
	require.NoError(t, f.err(), "a single attempt is not checked")
}

func TestResultIsPlainOrWhole(t *testing.T) {
	t.Parallel()
	payloads := func(encoding, data string) *common.Payloads {
		return &common.Payloads{Payloads: []*common.Payload{{
			Metadata: map[string][]byte{"encoding": []byte(encoding)}, Data: []byte(data),
		}}}
	}
	for _, c := range []struct {
		list *common.Payloads
		want string
	}{
		{nil, `{}`},
		{payloads("binary/null", ""), `{"result":null}`},
		{payloads("json/plain", `{"b":1.10,"a":[]}`), `{"result":{"b":1.10,"a":[]}}`},
		{payloads("json/plain", `{`), `{"resultPayload":{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"ew=="}}`},
		{payloads("json/protobuf", `{"x":1}`), `{"resultPayload":{"metadata":{"encoding":"anNvbi9wcm90b2J1Zg=="},"data":"eyJ4IjoxfQ==","json":{"x":1}}}`},
		{payloads("binary/plain", "\x00"), `{"resultPayload":{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"AA=="}}`},
	} {
		shown := openapi.QueryResult{}
		shown.Result, shown.ResultPayload = firstPayload(c.list)
		got, err := json.Marshal(shown, jsonOptions())
		require.NoError(t, err)
		require.Equal(t, c.want, string(got))
	}
}

func TestFailureShowsItsWholeChain(t *testing.T) {
	t.Parallel()
	shown := renderFailure(&failure.Failure{
		Message: "activity error",
		FailureInfo: &failure.Failure_ActivityFailureInfo{ActivityFailureInfo: &failure.ActivityFailureInfo{
			ActivityId: "5", ActivityType: &common.ActivityType{Name: "Charge"}, RetryState: enums.RETRY_STATE_NON_RETRYABLE_FAILURE,
		}},
		Cause: &failure.Failure{
			Message: "Encoded failure",
			EncodedAttributes: &common.Payload{
				Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`{"message":"declined","stack_trace":"at x"}`),
			},
			FailureInfo: &failure.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failure.ApplicationFailureInfo{
				Type: "PaymentDeclined", NonRetryable: true, Details: &common.Payloads{Payloads: []*common.Payload{
					{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`{"code":51}`)},
				}},
			}},
		},
	})
	got, err := json.Marshal(shown, jsonOptions())
	require.NoError(t, err)
	require.JSONEq(t, `{"message":"activity error","kind":"activity","activityId":"5","activityType":"Charge",
		"retryState":"NON_RETRYABLE_FAILURE","cause":{"message":"declined","stackTrace":"at x","kind":"application",
		"type":"PaymentDeclined","nonRetryable":true,"details":[{"code":51}]}}`, string(got))
}

func TestWorkflowPathLeadsBackToTheID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"order-1": "/v1/namespaces/n/workflows/order-1/result?runId=r",
		"a b":     "/v1/namespaces/n/workflows/a%20b/result?runId=r",
		"a%2Fb":   "/v1/namespaces/n/workflows/a%252Fb/result?runId=r",
		"a/b":     "/v1/namespaces/n/workflows/-/result?runId=r&workflowId=a%2Fb",
		"..":      "/v1/namespaces/n/workflows/-/result?runId=r&workflowId=..",
	} {
		require.Equal(t, want, workflowPath("n", id, "/result", "r"))
	}
}
