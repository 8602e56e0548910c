package convert

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
)

func TestFailureShowsItsWholeChain(t *testing.T) {
	t.Parallel()
	rendered := Failure(&failure.Failure{
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
	got, err := Marshal(rendered)
	require.NoError(t, err)
	require.JSONEq(t, `{"message":"activity error","kind":"activity","activityId":"5","activityType":"Charge",
		"retryState":"NON_RETRYABLE_FAILURE","cause":{"message":"declined","stackTrace":"at x","kind":"application",
		"type":"PaymentDeclined","nonRetryable":true,"details":[{"code":51}]}}`, string(got))
}
