package deployment

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// ListDeployments returns a page of the deployments as JSON, or all of them as NDJSON.
func (s *Service) ListDeployments(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "listDeployments", Namespace: namespace, MediaTypes: []string{operation.JSON, operation.NDJSON},
		Method: workflowservice.WorkflowService_ListWorkerDeployments_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.ListDeploymentsParams, _ *operation.None,
	) (*operation.Response, error) {
		list, err := req.NewPages(operation.Paging{PageSize: params.PageSize, PageToken: params.PageToken, Limit: params.Limit}, "")
		if err != nil {
			return nil, err
		}
		list.View, list.LineView = s.views.list, s.views.item
		list.Split = splitList
		list.Fetch = func(ctx context.Context, token []byte, size int32) (upstream.Response, error) {
			return s.upstream.Call(ctx, spec.Method, &workflowservice.ListWorkerDeploymentsRequest{
				Namespace: namespace, NextPageToken: token, PageSize: size,
			})
		}
		return list.Respond(ctx)
	})
}

// DescribeDeployment returns a deployment and its versions.
func (s *Service) DescribeDeployment(w http.ResponseWriter, r *http.Request, namespace, name string) {
	spec := operation.Spec{
		Name: "describeDeployment", Namespace: namespace,
		Method: workflowservice.WorkflowService_DescribeWorkerDeployment_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _, _ *operation.None,
	) (*operation.Response, error) {
		var v convert.Validation
		checkName(&v, name)
		if err := v.Err(); err != nil {
			return nil, err
		}
		received, err := s.upstream.Call(ctx, spec.Method, &workflowservice.DescribeWorkerDeploymentRequest{
			Namespace: namespace, DeploymentName: name,
		})
		if err != nil {
			return nil, err
		}
		defer received.Release()
		response, err := req.RenderView(ctx, s.views.description, received.Bytes(), transcode.Options{}, nil)
		if err != nil {
			return nil, err
		}
		return withToken(response, conflictToken(received.Bytes())), nil
	})
}

// DeleteDeployment deletes a deployment that has no versions.
func (s *Service) DeleteDeployment(w http.ResponseWriter, r *http.Request, namespace, name string) {
	spec := operation.Spec{
		Name: "deleteDeployment", Namespace: namespace,
		Method: workflowservice.WorkflowService_DeleteWorkerDeployment_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _, _ *operation.None,
	) (*operation.Response, error) {
		var v convert.Validation
		checkName(&v, name)
		if err := v.Err(); err != nil {
			return nil, err
		}
		err := s.upstream.Do(ctx, spec.Method, &workflowservice.DeleteWorkerDeploymentRequest{
			Namespace: namespace, DeploymentName: name, Identity: req.Identity(),
		}, &workflowservice.DeleteWorkerDeploymentResponse{})
		return operation.NoContent(), err
	})
}
