package workflow

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// PauseWorkflow pauses a workflow.
func (s *Service) PauseWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := pauseSpec("pauseWorkflow", workflowservice.WorkflowService_PauseWorkflowExecution_FullMethodName, namespace, workflowID)
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *openapi.PauseWorkflowParams, body *openapi.PauseRequest,
	) (*operation.Response, error) {
		stamp, err := req.StampWrite()
		if err != nil {
			return nil, err
		}
		return s.callVoid(ctx, req, &workflowservice.PauseWorkflowExecutionRequest{
			Namespace: namespace, WorkflowId: req.Execution.GetWorkflowId(), RunId: req.Execution.GetRunId(),
			Reason: body.Reason, Identity: req.Identity(), RequestId: stamp.RequestID,
		}, &workflowservice.PauseWorkflowExecutionResponse{})
	})
}

// UnpauseWorkflow resumes a paused workflow.
func (s *Service) UnpauseWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := pauseSpec("unpauseWorkflow", workflowservice.WorkflowService_UnpauseWorkflowExecution_FullMethodName, namespace, workflowID)
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *openapi.UnpauseWorkflowParams, body *openapi.UnpauseRequest,
	) (*operation.Response, error) {
		stamp, err := req.StampWrite()
		if err != nil {
			return nil, err
		}
		return s.callVoid(ctx, req, &workflowservice.UnpauseWorkflowExecutionRequest{
			Namespace: namespace, WorkflowId: req.Execution.GetWorkflowId(), RunId: req.Execution.GetRunId(),
			Reason: body.Reason, Identity: req.Identity(), RequestId: stamp.RequestID,
		}, &workflowservice.UnpauseWorkflowExecutionResponse{})
	})
}

func pauseSpec(name, method, namespace, workflowID string) operation.Spec {
	return operation.Spec{
		Name: name, Method: method, Namespace: namespace, Body: operation.BodyOptional,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
}
