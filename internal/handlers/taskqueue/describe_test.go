package taskqueue_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestDescriptionHasPollersStatsVersionsAndConfig(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		synctest.Wait()
		version := &deployment.WorkerDeploymentVersion{DeploymentName: "orders", BuildId: "2"}
		stats := &taskqueue.TaskQueueStats{
			ApproximateBacklogCount: 3, ApproximateBacklogAge: durationpb.New(1500 * time.Millisecond), TasksAddRate: 2.5, TasksDispatchRate: 2, RateLimitingActive: true,
		}
		g.Upstream.Handle("DescribeTaskQueue", upstreamtest.Typed(func(_ context.Context, request *workflowservice.DescribeTaskQueueRequest) (*workflowservice.DescribeTaskQueueResponse, error) {
			if request.GetTaskQueueType() != enums.TASK_QUEUE_TYPE_WORKFLOW {
				return &workflowservice.DescribeTaskQueueResponse{}, nil
			}
			return &workflowservice.DescribeTaskQueueResponse{
				Pollers: []*taskqueue.PollerInfo{
					{
						Identity: "w1", LastAccessTime: timestamppb.New(time.Unix(1, 0)), RatePerSecond: 100_000,
						DeploymentOptions: &deployment.WorkerDeploymentOptions{
							DeploymentName: "orders", BuildId: "2", WorkerVersioningMode: enums.WORKER_VERSIONING_MODE_VERSIONED,
						},
					},
					{
						Identity: "old", LastAccessTime: timestamppb.New(time.Unix(2, 0)),
						WorkerVersionCapabilities: &common.WorkerVersionCapabilities{BuildId: "1.0", UseVersioning: true},
					},
				},
				Stats: stats, StatsByPriorityKey: map[int32]*taskqueue.TaskQueueStats{3: stats},
				VersioningInfo: &taskqueue.TaskQueueVersioningInfo{
					CurrentDeploymentVersion: version, RampingDeploymentVersion: version, RampingVersionPercentage: 12.5, UpdateTime: timestamppb.New(time.Unix(3, 0)),
				},
				Config: &taskqueue.TaskQueueConfig{
					QueueRateLimit: &taskqueue.RateLimitConfig{
						RateLimit: &taskqueue.RateLimit{RequestsPerSecond: 0},
						Metadata:  &taskqueue.ConfigMetadata{Reason: "closed", UpdateIdentity: "ann", UpdateTime: timestamppb.New(time.Unix(4, 0))},
					},
					FairnessWeightOverrides: map[string]float32{"vip": 2},
				},
				EffectiveRateLimit: &workflowservice.DescribeTaskQueueResponse_EffectiveRateLimit{RateLimitSource: enums.RATE_LIMIT_SOURCE_API},
			}, nil
		}))
		const want = `{"approximateBacklogCount":3,"approximateBacklogAge":"1.5s","tasksAddRate":2.5,"tasksDispatchRate":2,"rateLimitingActive":true}`
		resp := g.Do(t, http.MethodGet, queuePath, "")
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.JSONEq(t, `{"taskQueue":"orders","types":[{"type":"WORKFLOW",
			"pollers":[{"identity":"w1","lastAccessTime":"1970-01-01T00:00:01Z","ratePerSecond":100000,"versioningMode":"VERSIONED","deploymentVersion":{"deploymentName":"orders","buildId":"2"}},
				{"identity":"old","lastAccessTime":"1970-01-01T00:00:02Z","buildId":"1.0","useVersioning":true}],
			"stats":`+want+`,"statsByPriority":{"3":`+want+`},
			"versioning":{"currentVersion":{"deploymentName":"orders","buildId":"2"},"rampingVersion":{"deploymentName":"orders","buildId":"2"},"rampingPercentage":12.5,"updateTime":"1970-01-01T00:00:03Z"},
			"config":{"queueRateLimit":{"requestsPerSecond":0,"reason":"closed","updateIdentity":"ann","updateTime":"1970-01-01T00:00:04Z"},"fairnessWeightOverrides":{"vip":2}},
			"effectiveRateLimit":{"requestsPerSecond":0,"source":"API"}},
			{"type":"ACTIVITY","pollers":[]}]}`, resp.Body)
		for _, call := range g.Upstream.Calls("DescribeTaskQueue") {
			request := servertest.DecodeRequest(t, call).Interface().(*workflowservice.DescribeTaskQueueRequest) //nolint:forcetypeassert // by the method
			require.Equal(t, []any{"orders", true, true}, []any{request.GetTaskQueue().GetName(), request.GetReportStats(), request.GetReportConfig()})
		}
	})
}

func TestDescriptionOfOneType(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		synctest.Wait()
		g.Upstream.Handle("DescribeTaskQueue", upstreamtest.Respond(&workflowservice.DescribeTaskQueueResponse{}))
		for _, queueType := range []string{"WORKFLOW", "ACTIVITY", "NEXUS"} {
			resp := g.Do(t, http.MethodGet, "/v1/namespaces/default/task-queues/-?taskQueue=a%2Fb&type="+queueType, "")
			require.JSONEq(t, `{"taskQueue":"a/b","types":[{"type":"`+queueType+`","pollers":[]}]}`, resp.Body)
		}
		calls := g.UpstreamCalls()
		for query, pointer := range map[string]string{"?type=workflow": "?type", "?type=TYPE": "?type", "?type=UNSPECIFIED": "?type", "?taskQueue=b": "?taskQueue"} {
			resp := g.Do(t, http.MethodGet, queuePath+query, "")
			require.Equal(t, http.StatusBadRequest, resp.Status, query)
			require.Contains(t, resp.Body, `"pointer":"`+pointer+`"`)
		}
		require.Equal(t, calls, g.UpstreamCalls())
	})
}
