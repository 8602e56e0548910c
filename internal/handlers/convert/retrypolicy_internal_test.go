package convert

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

func TestRetryPolicyHasTheDefaultsOfTheSDKs(t *testing.T) {
	t.Parallel()
	var v Validation
	sent := v.retryPolicy(&openapi.RetryPolicy{InitialInterval: "2s"})
	require.NoError(t, v.Err())
	require.Equal(t, 2*time.Second, sent.GetInitialInterval().AsDuration())
	require.Equal(t, 200*time.Second, sent.GetMaximumInterval().AsDuration())
	require.InDelta(t, 2.0, sent.GetBackoffCoefficient(), 0)

	one, low := int32(1), 0.1
	v.retryPolicy(&openapi.RetryPolicy{MaximumAttempts: &one, BackoffCoefficient: &low})
	require.NoError(t, v.Err(), "with a single attempt, the other fields are not validated")
}
