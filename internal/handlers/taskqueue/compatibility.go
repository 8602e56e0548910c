package taskqueue

import (
	"context"
	"net/http"

	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/problem"
)

// GetBuildIDCompatibility is the SDK's get_worker_build_id_compatibility.
func (s *Service) GetBuildIDCompatibility(w http.ResponseWriter, r *http.Request, namespace, taskQueue string) {
	spec := operation.Spec{
		Name: "getBuildIdCompatibility", Namespace: namespace,
		Method: workflowservice.WorkflowService_GetWorkerBuildIdCompatibility_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, params *openapi.GetBuildIDCompatibilityParams, _ *operation.None,
	) (*operation.Response, error) {
		var v convert.Validation
		name, err := queueName(taskQueue, params.TaskQueue)
		v.Merge("", err)
		request := &workflowservice.GetWorkerBuildIdCompatibilityRequest{Namespace: namespace, TaskQueue: name}
		if params.MaxSets != nil {
			request.MaxSets = *params.MaxSets
			if request.GetMaxSets() < 1 {
				v.Add("?maxSets", "must be at least 1")
			}
		}
		if err := v.Err(); err != nil {
			return nil, err
		}
		response := &workflowservice.GetWorkerBuildIdCompatibilityResponse{}
		if err := s.upstream.Do(ctx, spec.Method, request, response); err != nil {
			return nil, err
		}
		return operation.OK(renderSets(response.GetMajorVersionSets())), nil
	})
}

// renderSets returns the sets as the SDK does: the default of a list is its last element.
func renderSets(sets []*taskqueue.CompatibleVersionSet) openapi.BuildIDVersionSets {
	rendered := openapi.BuildIDVersionSets{VersionSets: []openapi.BuildIDVersionSet{}}
	for _, set := range sets {
		ids := set.GetBuildIds()
		if len(ids) == 0 {
			continue
		}
		rendered.DefaultBuildID = ids[len(ids)-1]
		rendered.VersionSets = append(rendered.VersionSets, openapi.BuildIDVersionSet{BuildIds: ids, Default: rendered.DefaultBuildID})
	}
	return rendered
}

// UpdateBuildIDCompatibility is the SDK's update_worker_build_id_compatibility.
func (s *Service) UpdateBuildIDCompatibility(w http.ResponseWriter, r *http.Request, namespace, taskQueue string) {
	spec := operation.Spec{
		Name: "updateBuildIdCompatibility", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_UpdateWorkerBuildIdCompatibility_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, params *openapi.UpdateBuildIDCompatibilityParams, body *openapi.BuildIDOperation,
	) (*operation.Response, error) {
		var v convert.Validation
		name, err := queueName(taskQueue, params.TaskQueue)
		v.Merge("", err)
		request := &workflowservice.UpdateWorkerBuildIdCompatibilityRequest{Namespace: namespace, TaskQueue: name}
		pointer := setOperation(&v, body, request)
		if err := v.Err(); err != nil {
			return nil, err
		}
		err = s.upstream.Do(ctx, spec.Method, request, &workflowservice.UpdateWorkerBuildIdCompatibilityResponse{})
		if e := problem.Of(err); err != nil && e.Code == problem.WorkflowNotFound && e.Upstream.Code() == codes.NotFound {
			return nil, problem.Invalid(pointer, "is not a build id of the task queue")
		}
		return operation.NoContent(), err
	})
}

// setOperation sets the operation, of which the caller must request exactly one. It
// returns the pointer to the build id that the task queue must already have.
func setOperation(
	v *convert.Validation, body *openapi.BuildIDOperation, request *workflowservice.UpdateWorkerBuildIdCompatibilityRequest,
) (existing string) {
	count := 0
	if o := body.AddNewDefault; o != nil {
		count++
		checkBuildID(v, "/addNewDefault/buildId", o.BuildID)
		request.Operation = &workflowservice.UpdateWorkerBuildIdCompatibilityRequest_AddNewBuildIdInNewDefaultSet{AddNewBuildIdInNewDefaultSet: o.BuildID}
	}
	if o := body.AddNewCompatible; o != nil {
		count++
		existing = "/addNewCompatible/existingCompatibleBuildId"
		checkBuildID(v, "/addNewCompatible/buildId", o.BuildID)
		checkBuildID(v, existing, o.ExistingCompatibleBuildID)
		request.Operation = &workflowservice.UpdateWorkerBuildIdCompatibilityRequest_AddNewCompatibleBuildId{
			AddNewCompatibleBuildId: &workflowservice.UpdateWorkerBuildIdCompatibilityRequest_AddNewCompatibleVersion{
				NewBuildId: o.BuildID, ExistingCompatibleBuildId: o.ExistingCompatibleBuildID, MakeSetDefault: o.PromoteSet,
			},
		}
	}
	if o := body.PromoteSetByBuildID; o != nil {
		count++
		existing = "/promoteSetByBuildId/buildId"
		checkBuildID(v, existing, o.BuildID)
		request.Operation = &workflowservice.UpdateWorkerBuildIdCompatibilityRequest_PromoteSetByBuildId{PromoteSetByBuildId: o.BuildID}
	}
	if o := body.PromoteBuildIDWithinSet; o != nil {
		count++
		existing = "/promoteBuildIdWithinSet/buildId"
		checkBuildID(v, existing, o.BuildID)
		request.Operation = &workflowservice.UpdateWorkerBuildIdCompatibilityRequest_PromoteBuildIdWithinSet{PromoteBuildIdWithinSet: o.BuildID}
	}
	if o := body.MergeSets; o != nil {
		count++
		existing = "/mergeSets"
		checkBuildID(v, "/mergeSets/primaryBuildId", o.PrimaryBuildID)
		checkBuildID(v, "/mergeSets/secondaryBuildId", o.SecondaryBuildID)
		request.Operation = &workflowservice.UpdateWorkerBuildIdCompatibilityRequest_MergeSets_{
			MergeSets: &workflowservice.UpdateWorkerBuildIdCompatibilityRequest_MergeSets{
				PrimarySetBuildId: o.PrimaryBuildID, SecondarySetBuildId: o.SecondaryBuildID,
			},
		}
	}
	if count != 1 {
		v.Add("", "must have exactly one operation")
	}
	return existing
}

// maxBuildIDBytes is the server's default limit for a build id
// (limit.workerBuildIdSize).
const maxBuildIDBytes = 255

func checkBuildID(v *convert.Validation, pointer, id string) {
	v.CheckID(pointer, id)
	if len(id) > maxBuildIDBytes {
		v.Add(pointer, "must be at most 255 bytes")
	}
}
