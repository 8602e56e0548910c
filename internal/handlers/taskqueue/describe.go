package taskqueue

import (
	"context"
	"net/http"
	"strconv"

	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// DescribeTaskQueue returns the pollers, the statistics and the configuration of a task
// queue.
func (s *Service) DescribeTaskQueue(w http.ResponseWriter, r *http.Request, namespace, taskQueue string) {
	spec := operation.Spec{
		Name: "describeTaskQueue", Namespace: namespace,
		Method: workflowservice.WorkflowService_DescribeTaskQueue_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, params *openapi.DescribeTaskQueueParams, _ *operation.None,
	) (*operation.Response, error) {
		var v convert.Validation
		name, err := queueName(taskQueue, params.TaskQueue)
		v.Merge("", err)
		types := []enums.TaskQueueType{enums.TASK_QUEUE_TYPE_WORKFLOW, enums.TASK_QUEUE_TYPE_ACTIVITY}
		if params.Type != "" {
			types = []enums.TaskQueueType{convert.Enum[enums.TaskQueueType](&v, "?type", params.Type)}
			if params.Type == "UNSPECIFIED" {
				v.Add("?type", "is not one of the known values")
			}
		}
		if err := v.Err(); err != nil {
			return nil, err
		}
		body := openapi.TaskQueueDescription{TaskQueue: name}
		for _, queueType := range types {
			response := &workflowservice.DescribeTaskQueueResponse{}
			if err := s.upstream.Do(ctx, spec.Method, &workflowservice.DescribeTaskQueueRequest{
				Namespace: namespace, TaskQueue: &taskqueue.TaskQueue{Name: name, Kind: enums.TASK_QUEUE_KIND_NORMAL},
				TaskQueueType: queueType, ReportStats: true, ReportConfig: true,
			}, response); err != nil {
				return nil, err
			}
			body.Types = append(body.Types, renderQueue(queueType, response))
		}
		return operation.OK(body), nil
	})
}

func renderQueue(queueType enums.TaskQueueType, response *workflowservice.DescribeTaskQueueResponse) openapi.TypedTaskQueue {
	rendered := openapi.TypedTaskQueue{
		Type: convert.EnumName(queueType), Pollers: []openapi.Poller{}, Stats: renderStats(response.GetStats()),
		Config: renderConfig(response.GetConfig()),
	}
	for _, p := range response.GetPollers() {
		rendered.Pollers = append(rendered.Pollers, renderPoller(p))
	}
	for key, stats := range response.GetStatsByPriorityKey() {
		if rendered.StatsByPriority == nil {
			rendered.StatsByPriority = map[string]openapi.TaskQueueStats{}
		}
		rendered.StatsByPriority[strconv.Itoa(int(key))] = *renderStats(stats)
	}
	if versioning := response.GetVersioningInfo(); versioning != nil {
		rendered.Versioning = &openapi.TaskQueueVersioning{
			CurrentVersion:    convert.DeploymentVersion(versioning.GetCurrentDeploymentVersion()),
			RampingVersion:    convert.DeploymentVersion(versioning.GetRampingDeploymentVersion()),
			RampingPercentage: versioning.GetRampingVersionPercentage(),
			UpdateTime:        convert.FormatTime(versioning.GetUpdateTime()),
		}
	}
	if limit := response.GetEffectiveRateLimit(); limit != nil {
		rendered.EffectiveRateLimit = &openapi.EffectiveRateLimit{
			RequestsPerSecond: limit.GetRequestsPerSecond(), Source: convert.EnumName(limit.GetRateLimitSource()),
		}
	}
	return rendered
}

func renderPoller(p *taskqueue.PollerInfo) openapi.Poller {
	rendered := openapi.Poller{
		Identity: p.GetIdentity(), LastAccessTime: convert.FormatTime(p.GetLastAccessTime()), RatePerSecond: p.GetRatePerSecond(),
	}
	if options := p.GetDeploymentOptions(); options != nil {
		rendered.VersioningMode = convert.EnumName(options.GetWorkerVersioningMode())
		if options.GetDeploymentName() != "" {
			rendered.DeploymentVersion = convert.DeploymentVersion(&deployment.WorkerDeploymentVersion{
				DeploymentName: options.GetDeploymentName(), BuildId: options.GetBuildId(),
			})
			return rendered
		}
	}
	capabilities := p.GetWorkerVersionCapabilities() //nolint:staticcheck // all that older workers report
	rendered.BuildID, rendered.UseVersioning = capabilities.GetBuildId(), capabilities.GetUseVersioning()
	return rendered
}

// renderStats returns the statistics, or nil if the server reports none.
func renderStats(stats *taskqueue.TaskQueueStats) *openapi.TaskQueueStats {
	if stats == nil {
		return nil
	}
	rendered := &openapi.TaskQueueStats{
		ApproximateBacklogCount: stats.GetApproximateBacklogCount(),
		TasksAddRate:            stats.GetTasksAddRate(), TasksDispatchRate: stats.GetTasksDispatchRate(),
		RateLimitingActive: stats.GetRateLimitingActive(),
	}
	if age := stats.GetApproximateBacklogAge().AsDuration(); age > 0 {
		rendered.ApproximateBacklogAge = convert.FormatSeconds(age)
	}
	return rendered
}

// renderConfig returns the configuration, or nil if nothing is configured.
func renderConfig(config *taskqueue.TaskQueueConfig) *openapi.TaskQueueConfig {
	if config == nil {
		return nil
	}
	return &openapi.TaskQueueConfig{
		QueueRateLimit:               renderRateLimit(config.GetQueueRateLimit()),
		FairnessKeysRateLimitDefault: renderRateLimit(config.GetFairnessKeysRateLimitDefault()),
		FairnessWeightOverrides:      config.GetFairnessWeightOverrides(),
	}
}

func renderRateLimit(limit *taskqueue.RateLimitConfig) *openapi.TaskQueueRateLimit {
	if limit == nil {
		return nil
	}
	rendered := &openapi.TaskQueueRateLimit{
		Reason: limit.GetMetadata().GetReason(), UpdateIdentity: limit.GetMetadata().GetUpdateIdentity(),
		UpdateTime: convert.FormatTime(limit.GetMetadata().GetUpdateTime()),
	}
	if limit.GetRateLimit() != nil {
		rate := limit.GetRateLimit().GetRequestsPerSecond()
		rendered.RequestsPerSecond = &rate
	}
	return rendered
}
