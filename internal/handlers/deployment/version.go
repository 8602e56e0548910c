package deployment

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// DescribeDeploymentVersion returns a version of a deployment and its task queues.
func (s *Service) DescribeDeploymentVersion(w http.ResponseWriter, r *http.Request, namespace, name, buildID string) {
	spec := operation.Spec{
		Name: "describeDeploymentVersion", Namespace: namespace,
		Method: workflowservice.WorkflowService_DescribeWorkerDeploymentVersion_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, params *openapi.DescribeDeploymentVersionParams, _ *operation.None,
	) (*operation.Response, error) {
		var v convert.Validation
		request := &workflowservice.DescribeWorkerDeploymentVersionRequest{
			Namespace: namespace, DeploymentVersion: version(&v, name, buildID),
			ReportTaskQueueStats: params.ReportTaskQueueStats != nil && *params.ReportTaskQueueStats,
		}
		if err := v.Err(); err != nil {
			return nil, err
		}
		response := &workflowservice.DescribeWorkerDeploymentVersionResponse{}
		if err := s.upstream.Do(ctx, spec.Method, request, response); err != nil {
			return nil, err
		}
		return operation.OK(renderVersion(response)), nil
	})
}

// DeleteDeploymentVersion deletes a version that is no longer used.
func (s *Service) DeleteDeploymentVersion(w http.ResponseWriter, r *http.Request, namespace, name, buildID string) {
	spec := operation.Spec{
		Name: "deleteDeploymentVersion", Namespace: namespace,
		Method: workflowservice.WorkflowService_DeleteWorkerDeploymentVersion_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.DeleteDeploymentVersionParams, _ *operation.None,
	) (*operation.Response, error) {
		var v convert.Validation
		request := &workflowservice.DeleteWorkerDeploymentVersionRequest{
			Namespace: namespace, DeploymentVersion: version(&v, name, buildID), Identity: req.Identity(),
			SkipDrainage: params.SkipDrainage != nil && *params.SkipDrainage,
		}
		if err := v.Err(); err != nil {
			return nil, err
		}
		err := s.upstream.Do(ctx, spec.Method, request, &workflowservice.DeleteWorkerDeploymentVersionResponse{})
		return operation.NoContent(), err
	})
}

// UpdateDeploymentVersionMetadata sets and removes entries of a version's metadata.
func (s *Service) UpdateDeploymentVersionMetadata(w http.ResponseWriter, r *http.Request, namespace, name, buildID string) {
	spec := operation.Spec{
		Name: "updateDeploymentVersionMetadata", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_UpdateWorkerDeploymentVersionMetadata_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *operation.None, body *openapi.UpdateVersionMetadataRequest,
	) (*operation.Response, error) {
		var v convert.Validation
		request := &workflowservice.UpdateWorkerDeploymentVersionMetadataRequest{
			Namespace: namespace, DeploymentVersion: version(&v, name, buildID), Identity: req.Identity(),
			UpsertEntries: v.PayloadMap("/upsertEntries", body.UpsertEntries, "/upsertEntryPayloads", body.UpsertEntryPayloads),
			RemoveEntries: removedEntries(&v, body),
		}
		if err := v.Err(); err != nil {
			return nil, err
		}
		response := &workflowservice.UpdateWorkerDeploymentVersionMetadataResponse{}
		if err := s.upstream.Do(ctx, spec.Method, request, response); err != nil {
			return nil, err
		}
		var metadata openapi.VersionMetadata
		metadata.Metadata, metadata.MetadataPayloads = convert.PayloadMap(response.GetMetadata().GetEntries())
		return operation.OK(metadata), nil
	})
}

// maxRemovedEntries limits the time to compare the removed entries with those that are set.
const maxRemovedEntries = 1000

// removedEntries validates the names of the entries to remove.
func removedEntries(v *convert.Validation, body *openapi.UpdateVersionMetadataRequest) []string {
	if len(body.UpsertEntries)+len(body.UpsertEntryPayloads)+len(body.RemoveEntries) == 0 {
		v.Add("", "must set or remove at least one entry")
	}
	if !v.AtMost("/removeEntries", len(body.RemoveEntries), maxRemovedEntries) {
		return nil
	}
	for i, name := range body.RemoveEntries {
		_, plain := body.UpsertEntries[name]
		_, payload := body.UpsertEntryPayloads[name]
		if plain || payload {
			v.Add("/removeEntries/"+strconv.Itoa(i), "is also an entry to set")
		}
	}
	return slices.Clone(body.RemoveEntries)
}

func renderVersion(response *workflowservice.DescribeWorkerDeploymentVersionResponse) openapi.DeploymentVersionDescription {
	info := response.GetWorkerDeploymentVersionInfo()
	body := openapi.DeploymentVersionDescription{
		DeploymentName: info.GetDeploymentVersion().GetDeploymentName(), BuildID: info.GetDeploymentVersion().GetBuildId(),
		Status:               convert.EnumName(info.GetStatus()),
		CreateTime:           convert.FormatTime(info.GetCreateTime()),
		RoutingChangedTime:   convert.FormatTime(info.GetRoutingChangedTime()),
		CurrentSinceTime:     convert.FormatTime(info.GetCurrentSinceTime()),
		RampingSinceTime:     convert.FormatTime(info.GetRampingSinceTime()),
		RampPercentage:       info.GetRampPercentage(),
		FirstActivationTime:  convert.FormatTime(info.GetFirstActivationTime()),
		LastCurrentTime:      convert.FormatTime(info.GetLastCurrentTime()),
		LastDeactivationTime: convert.FormatTime(info.GetLastDeactivationTime()),
		Drainage:             renderDrainage(info.GetDrainageInfo()),
		TaskQueues:           []openapi.VersionTaskQueue{},
		LastModifierIdentity: info.GetLastModifierIdentity(),
	}
	body.Metadata, body.MetadataPayloads = convert.PayloadMap(info.GetMetadata().GetEntries())
	for _, queue := range response.GetVersionTaskQueues() {
		rendered := openapi.VersionTaskQueue{Name: queue.GetName(), Type: convert.EnumName(queue.GetType()), Stats: renderStats(queue.GetStats())}
		for priority, stats := range queue.GetStatsByPriorityKey() {
			if rendered.StatsByPriorityKey == nil {
				rendered.StatsByPriorityKey = map[string]openapi.VersionTaskQueueStats{}
			}
			rendered.StatsByPriorityKey[strconv.Itoa(int(priority))] = *renderStats(stats)
		}
		body.TaskQueues = append(body.TaskQueues, rendered)
	}
	return body
}

func renderDrainage(info *deployment.VersionDrainageInfo) *openapi.VersionDrainage {
	if info == nil {
		return nil
	}
	return &openapi.VersionDrainage{
		Status:          convert.EnumName(info.GetStatus()),
		LastChangedTime: convert.FormatTime(info.GetLastChangedTime()), LastCheckedTime: convert.FormatTime(info.GetLastCheckedTime()),
	}
}

func renderStats(stats *taskqueue.TaskQueueStats) *openapi.VersionTaskQueueStats {
	if stats == nil {
		return nil
	}
	rendered := &openapi.VersionTaskQueueStats{
		ApproximateBacklogCount: stats.GetApproximateBacklogCount(),
		TasksAddRate:            stats.GetTasksAddRate(), TasksDispatchRate: stats.GetTasksDispatchRate(),
		RateLimitingActive: stats.GetRateLimitingActive(),
	}
	if age := stats.GetApproximateBacklogAge().AsDuration(); age > 0 {
		rendered.ApproximateBacklogAge = convert.FormatSeconds(age)
	}
	return rendered
}
