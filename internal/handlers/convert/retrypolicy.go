package convert

import (
	"time"

	"go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/transcode"
)

// The SDKs' defaults of a retry policy.
const (
	defaultInitialInterval    = time.Second
	defaultBackoffCoefficient = 2.0
	defaultIntervalFactor     = 100 // the maximum interval divided by the initial interval
)

// retryPolicy sets the defaults of a policy and validates it, as the SDKs do.
func (v *Validation) retryPolicy(policy *openapi.RetryPolicy) *common.RetryPolicy {
	const pointer = "/retryPolicy"
	if policy == nil {
		return nil
	}
	sent := &common.RetryPolicy{
		InitialInterval:        v.Duration(pointer+"/initialInterval", policy.InitialInterval),
		BackoffCoefficient:     defaultBackoffCoefficient,
		MaximumInterval:        v.Duration(pointer+"/maximumInterval", policy.MaximumInterval),
		NonRetryableErrorTypes: policy.NonRetryableErrorTypes,
	}
	if policy.BackoffCoefficient != nil {
		sent.BackoffCoefficient = *policy.BackoffCoefficient
	}
	if policy.MaximumAttempts != nil {
		sent.MaximumAttempts = *policy.MaximumAttempts
	}
	if sent.GetInitialInterval() == nil {
		sent.InitialInterval = durationpb.New(defaultInitialInterval)
	}
	if sent.GetMaximumInterval() == nil {
		sent.MaximumInterval = durationpb.New(defaultIntervalFactor * sent.GetInitialInterval().AsDuration())
	}
	if sent.GetMaximumAttempts() != 1 { // with one attempt there are no retries, so the SDKs do not validate the rest
		v.checkRetryPolicy(pointer, sent)
	}
	return sent
}

func (v *Validation) checkRetryPolicy(pointer string, policy *common.RetryPolicy) {
	if policy.GetInitialInterval().AsDuration() <= 0 {
		v.Add(pointer+"/initialInterval", "must be above zero")
	}
	if policy.GetBackoffCoefficient() < 1 {
		v.Add(pointer+"/backoffCoefficient", "must be at least 1")
	}
	if policy.GetMaximumInterval().AsDuration() < policy.GetInitialInterval().AsDuration() {
		v.Add(pointer+"/maximumInterval", "must be at least the initial interval")
	}
	if policy.GetMaximumAttempts() < 0 {
		v.Add(pointer+"/maximumAttempts", "must not be negative")
	}
}

// RetryPolicyView returns the fields of a retry policy in a view.
func RetryPolicyView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "backoff_coefficient", As: "backoffCoefficient", Always: true},
		{Field: "initial_interval", As: "initialInterval"},
		{Field: "maximum_attempts", As: "maximumAttempts", Always: true},
		{Field: "maximum_interval", As: "maximumInterval"},
		{Field: "non_retryable_error_types", As: "nonRetryableErrorTypes"},
	}
}

// renderRetryPolicy returns a policy with all its numbers, or nil if there is none.
func renderRetryPolicy(policy *common.RetryPolicy) *openapi.RetryPolicy {
	if policy == nil {
		return nil
	}
	return &openapi.RetryPolicy{
		InitialInterval: FormatDuration(policy.GetInitialInterval()), BackoffCoefficient: &policy.BackoffCoefficient,
		MaximumInterval: FormatDuration(policy.GetMaximumInterval()), MaximumAttempts: &policy.MaximumAttempts,
		NonRetryableErrorTypes: policy.GetNonRetryableErrorTypes(),
	}
}
