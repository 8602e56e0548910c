package taskqueue

import (
	"context"
	"net/http"
	"strconv"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// GetTaskReachability is the SDK's get_worker_task_reachability.
func (s *Service) GetTaskReachability(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "getTaskReachability", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_GetWorkerTaskReachability_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, _ *operation.None, body *openapi.TaskReachabilityRequest,
	) (*operation.Response, error) {
		request, err := reachabilityRequest(namespace, body)
		if err != nil {
			return nil, err
		}
		response := &workflowservice.GetWorkerTaskReachabilityResponse{}
		if err := s.upstream.Do(ctx, spec.Method, request, response); err != nil {
			return nil, err
		}
		rendered := openapi.TaskReachability{BuildIDReachability: map[string]openapi.BuildIDReachability{}}
		for _, reachability := range response.GetBuildIdReachability() {
			rendered.BuildIDReachability[reachability.GetBuildId()] = renderReachability(reachability)
		}
		return operation.OK(rendered), nil
	})
}

// maxReachability is the maximum number of build ids, and of task queues, in a request.
// The server's limits depend on its configuration, and are lower by default.
const maxReachability = 1000

func reachabilityRequest(namespace string, body *openapi.TaskReachabilityRequest) (*workflowservice.GetWorkerTaskReachabilityRequest, error) {
	var v convert.Validation
	request := &workflowservice.GetWorkerTaskReachabilityRequest{
		Namespace: namespace, BuildIds: body.BuildIds, TaskQueues: body.TaskQueues,
		Reachability: convert.Enum[enums.TaskReachability](&v, "/reachabilityType", string(body.ReachabilityType)),
	}
	if len(body.BuildIds) == 0 {
		v.Add("/buildIds", "is required")
	}
	if v.AtMost("/buildIds", len(body.BuildIds), maxReachability) {
		for i, id := range body.BuildIds {
			pointer := "/buildIds/" + strconv.Itoa(i)
			if id == "" && len(body.TaskQueues) == 0 {
				v.Add(pointer, "must not be empty without taskQueues")
			} else if id != "" {
				checkBuildID(&v, pointer, id)
			}
		}
	}
	if v.AtMost("/taskQueues", len(body.TaskQueues), maxReachability) {
		for i, name := range body.TaskQueues {
			v.CheckID("/taskQueues/"+strconv.Itoa(i), name)
			checkQueue(&v, "/taskQueues/"+strconv.Itoa(i), name)
		}
	}
	return request, v.Err()
}

// renderReachability returns the reachability of a build id. As in the SDK, a single
// unspecified value means that the server has not looked at the task queue.
func renderReachability(reachability *taskqueue.BuildIdReachability) openapi.BuildIDReachability {
	rendered := openapi.BuildIDReachability{TaskQueueReachability: map[string][]string{}, UnretrievedTaskQueues: []string{}}
	for _, queue := range reachability.GetTaskQueueReachability() {
		kinds := queue.GetReachability()
		if len(kinds) == 1 && kinds[0] == enums.TASK_REACHABILITY_UNSPECIFIED {
			rendered.UnretrievedTaskQueues = append(rendered.UnretrievedTaskQueues, queue.GetTaskQueue())
			continue
		}
		names := []string{}
		for _, kind := range kinds {
			names = append(names, convert.EnumName(kind))
		}
		rendered.TaskQueueReachability[queue.GetTaskQueue()] = names
	}
	return rendered
}
