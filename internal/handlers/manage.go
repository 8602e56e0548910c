package handlers

import (
	"context"
	"net/http"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// PauseWorkflow holds a workflow until it is unpaused.
func (a *API) PauseWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "pauseWorkflow", Namespace: namespace, Body: operation.BodyOptional,
		Method: workflowservice.WorkflowService_PauseWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, req *operation.Request, _ *openapi.PauseWorkflowParams, body *openapi.PauseRequest) (*operation.Response, error) {
		execution := req.Execution
		s, err := req.StampWrite()
		return a.callVoid(ctx, req, execution, err, &workflowservice.PauseWorkflowExecutionRequest{
			Namespace: namespace, WorkflowId: execution.GetWorkflowId(), RunId: execution.GetRunId(),
			Reason: body.Reason, Identity: req.Identity(), RequestId: s.RequestID,
		}, &workflowservice.PauseWorkflowExecutionResponse{})
	})
}

// UnpauseWorkflow lets a paused workflow go on.
func (a *API) UnpauseWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "unpauseWorkflow", Namespace: namespace, Body: operation.BodyOptional,
		Method: workflowservice.WorkflowService_UnpauseWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, req *operation.Request, _ *openapi.UnpauseWorkflowParams, body *openapi.UnpauseRequest) (*operation.Response, error) {
		execution := req.Execution
		s, err := req.StampWrite()
		return a.callVoid(ctx, req, execution, err, &workflowservice.UnpauseWorkflowExecutionRequest{
			Namespace: namespace, WorkflowId: execution.GetWorkflowId(), RunId: execution.GetRunId(),
			Reason: body.Reason, Identity: req.Identity(), RequestId: s.RequestID,
		}, &workflowservice.UnpauseWorkflowExecutionResponse{})
	})
}

// DeleteWorkflow deletes a run and its history.
func (a *API) DeleteWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "deleteWorkflow", Namespace: namespace,
		Method: workflowservice.WorkflowService_DeleteWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, req *operation.Request, _ *openapi.DeleteWorkflowParams, _ *operation.None) (*operation.Response, error) {
		execution := req.Execution
		_, err := req.StampWrite()
		return a.callVoid(ctx, req, execution, err, &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: execution,
		}, &workflowservice.DeleteWorkflowExecutionResponse{})
	})
}

// callVoid makes a call whose response is empty. bad is the validation error of
// the workflow's name, or nil.
func (a *API) callVoid(
	ctx context.Context, req *operation.Request, execution *common.WorkflowExecution, bad error, request, nothing proto.Message,
) (*operation.Response, error) {
	if bad != nil {
		return nil, bad
	}
	err := a.options.Upstream.Do(ctx, req.Method, request, nothing)
	return operation.NoContent(), operation.WithWorkflowID(err, execution.GetWorkflowId())
}
