package deployment

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// SetDeploymentCurrentVersion sets the version to which workflows are routed.
func (s *Service) SetDeploymentCurrentVersion(w http.ResponseWriter, r *http.Request, namespace, name string) {
	spec := operation.Spec{
		Name: "setDeploymentCurrentVersion", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_SetWorkerDeploymentCurrentVersion_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *operation.None, body *openapi.SetCurrentVersionRequest,
	) (*operation.Response, error) {
		var v convert.Validation
		checkName(&v, name)
		request := &workflowservice.SetWorkerDeploymentCurrentVersionRequest{
			Namespace: namespace, DeploymentName: name, BuildId: buildID(&v, body.BuildID), Identity: req.Identity(),
			IgnoreMissingTaskQueues: body.IgnoreMissingTaskQueues, AllowNoPollers: body.AllowNoPollers,
		}
		if err := v.Err(); err != nil {
			return nil, err
		}
		var err error
		if request.ConflictToken, err = s.expectedToken(ctx, req, name); err != nil {
			return nil, err
		}
		response := &workflowservice.SetWorkerDeploymentCurrentVersionResponse{}
		err = s.upstream.Do(ctx, spec.Method, request, response)
		return withToken(operation.NoContent(), response.GetConflictToken()), err
	})
}

// SetDeploymentRampingVersion sets the version to which a percentage of the workflows is
// routed.
func (s *Service) SetDeploymentRampingVersion(w http.ResponseWriter, r *http.Request, namespace, name string) {
	spec := operation.Spec{
		Name: "setDeploymentRampingVersion", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_SetWorkerDeploymentRampingVersion_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *operation.None, body *openapi.SetRampingVersionRequest,
	) (*operation.Response, error) {
		var v convert.Validation
		checkName(&v, name)
		request := &workflowservice.SetWorkerDeploymentRampingVersionRequest{
			Namespace: namespace, DeploymentName: name, BuildId: buildID(&v, body.BuildID), Identity: req.Identity(),
			Percentage: percentage(&v, body.Percentage), IgnoreMissingTaskQueues: body.IgnoreMissingTaskQueues, AllowNoPollers: body.AllowNoPollers,
		}
		if err := v.Err(); err != nil {
			return nil, err
		}
		var err error
		if request.ConflictToken, err = s.expectedToken(ctx, req, name); err != nil {
			return nil, err
		}
		response := &workflowservice.SetWorkerDeploymentRampingVersionResponse{}
		err = s.upstream.Do(ctx, spec.Method, request, response)
		return withToken(operation.NoContent(), response.GetConflictToken()), err
	})
}

// SetDeploymentManager sets the identity that alone may change the deployment.
func (s *Service) SetDeploymentManager(w http.ResponseWriter, r *http.Request, namespace, name string) {
	spec := operation.Spec{
		Name: "setDeploymentManager", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_SetWorkerDeploymentManager_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *operation.None, body *openapi.SetManagerRequest,
	) (*operation.Response, error) {
		var v convert.Validation
		checkName(&v, name)
		manager := &workflowservice.SetWorkerDeploymentManagerRequest_ManagerIdentity{ManagerIdentity: managerIdentity(&v, body.ManagerIdentity)}
		if err := v.Err(); err != nil {
			return nil, err
		}
		token, err := s.expectedToken(ctx, req, name)
		if err != nil {
			return nil, err
		}
		response := &workflowservice.SetWorkerDeploymentManagerResponse{}
		err = s.upstream.Do(ctx, spec.Method, &workflowservice.SetWorkerDeploymentManagerRequest{
			Namespace: namespace, DeploymentName: name, NewManagerIdentity: manager, ConflictToken: token, Identity: req.Identity(),
		}, response)
		return withToken(operation.NoContent(), response.GetConflictToken()), err
	})
}

// buildID returns the build id in a request, or an empty string for the workers without
// versioning. An empty build id is rejected: it may come from a variable that is not set,
// and would route all workflows away from the versions.
func buildID(v *convert.Validation, change openapi.Change[string]) string {
	switch {
	case change.To == nil:
		return ""
	case *change.To == "":
		v.Add("/buildId", "must not be empty: null means the workers without versioning")
	default:
		checkID(v, "/buildId", *change.To)
	}
	return *change.To
}

// percentage returns the percentage in a request. It is required, because its absence
// would end the ramp.
func percentage(v *convert.Validation, change openapi.Change[float32]) float32 {
	switch {
	case change.To == nil:
		v.Add("/percentage", "is required")
		return 0
	case *change.To < 0 || *change.To > 100:
		v.Add("/percentage", "must be between 0 and 100")
	}
	return *change.To
}

// managerIdentity returns the identity in a request, or an empty string for no manager.
func managerIdentity(v *convert.Validation, change openapi.Change[string]) string {
	switch {
	case !change.Sent:
		v.Add("/managerIdentity", "is required")
	case change.To == nil:
		return ""
	default:
		v.CheckID("/managerIdentity", *change.To)
		return *change.To
	}
	return ""
}
