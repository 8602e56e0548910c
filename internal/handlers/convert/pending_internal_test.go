package convert

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/activity/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflow/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/payload"
	"github.com/flowgate/flowgate/internal/transcode"
)

func TestViewOfPendingActivities(t *testing.T) {
	t.Parallel()
	binary := &common.Payload{Metadata: map[string][]byte{payload.MetadataEncoding: []byte("binary/plain")}, Data: []byte("x")}
	for want, info := range map[string]*workflow.PendingActivityInfo{
		`{"activityId":"","activityType":"","state":"","attempt":0}`: {
			PauseInfo: &workflow.PendingActivityInfo_PauseInfo{}, HeartbeatDetails: &common.Payloads{}, ExpirationTime: &timestamppb.Timestamp{},
		},
		`{"activityId":"1","activityType":"Charge","state":"STARTED","attempt":2,"maximumAttempts":5,"currentRetryInterval":"1.5s",
		 "heartbeatDetails":[{"a":1},null],"lastDeploymentVersion":{"deploymentName":"d","buildId":""},"lastFailure":{"message":"no","kind":"application"},
		 "lastStartedTime":"2027-01-15T08:00:00.5Z","pause":{"identity":"me","reason":"because"},"paused":true,"priority":{"priorityKey":1},
		 "heartbeatTimeout":"10s","retryPolicy":{"backoffCoefficient":2,"maximumAttempts":0,"nonRetryableErrorTypes":["Bad"]},"taskQueue":"orders"}`: {
			ActivityId: "1", ActivityType: &common.ActivityType{Name: "Charge"}, State: enums.PENDING_ACTIVITY_STATE_STARTED, Attempt: 2, MaximumAttempts: 5,
			CurrentRetryInterval:  &durationpb.Duration{Seconds: 1, Nanos: 500_000_000},
			HeartbeatDetails:      &common.Payloads{Payloads: []*common.Payload{payload.FromJSON([]byte(`{"a":1}`)), payload.FromJSON([]byte(`null`))}},
			LastDeploymentVersion: &deployment.WorkerDeploymentVersion{DeploymentName: "d"}, LastFailure: &failure.Failure{Message: "no"},
			LastStartedTime: &timestamppb.Timestamp{Seconds: 1_800_000_000, Nanos: 500_000_000}, Paused: true, Priority: &common.Priority{PriorityKey: 1},
			PauseInfo: &workflow.PendingActivityInfo_PauseInfo{PausedBy: &workflow.PendingActivityInfo_PauseInfo_Manual_{
				Manual: &workflow.PendingActivityInfo_PauseInfo_Manual{Identity: "me", Reason: "because"},
			}},
			ActivityOptions: &activity.ActivityOptions{
				TaskQueue: &taskqueue.TaskQueue{Name: "orders"}, HeartbeatTimeout: &durationpb.Duration{Seconds: 10},
				RetryPolicy: &common.RetryPolicy{BackoffCoefficient: 2, NonRetryableErrorTypes: []string{"Bad"}},
			},
		},
		`{"activityId":"","activityType":"","state":"","attempt":1,"heartbeatDetailPayloads":[
		 {"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"MQ==","json":1},{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"eA=="}]}`: {
			Attempt: 1, HeartbeatDetails: &common.Payloads{Payloads: []*common.Payload{payload.FromJSON([]byte(`1`)), binary}},
		},
	} {
		wire, err := proto.Marshal(info)
		require.NoError(t, err)
		view := transcode.NewPlans().View(info.ProtoReflect().Descriptor(), pendingActivityView())
		got, err := view.AppendJSON(nil, wire, transcode.Options{}, nil)
		require.NoError(t, err)
		require.JSONEq(t, want, string(got))
	}
}
