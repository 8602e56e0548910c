package handlers

import (
	"context"
	"net/http"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// PauseWorkflow holds a workflow until it is unpaused.
func (a *API) PauseWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	op := operation{
		name: "pauseWorkflow", namespace: namespace, body: bodyOptional,
		method: workflowservice.WorkflowService_PauseWorkflowExecution_FullMethodName,
		handle: &handle{segment: workflowID},
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, _ *openapi.PauseWorkflowParams, body *openapi.PauseRequest) (*response, error) {
		execution := c.execution
		s, err := c.stampWrite()
		return a.callVoid(ctx, c, execution, err, &workflowservice.PauseWorkflowExecutionRequest{
			Namespace: namespace, WorkflowId: execution.GetWorkflowId(), RunId: execution.GetRunId(),
			Reason: body.Reason, Identity: c.identity(), RequestId: s.RequestID,
		}, &workflowservice.PauseWorkflowExecutionResponse{})
	})
}

// UnpauseWorkflow lets a paused workflow go on.
func (a *API) UnpauseWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	op := operation{
		name: "unpauseWorkflow", namespace: namespace, body: bodyOptional,
		method: workflowservice.WorkflowService_UnpauseWorkflowExecution_FullMethodName,
		handle: &handle{segment: workflowID},
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, _ *openapi.UnpauseWorkflowParams, body *openapi.UnpauseRequest) (*response, error) {
		execution := c.execution
		s, err := c.stampWrite()
		return a.callVoid(ctx, c, execution, err, &workflowservice.UnpauseWorkflowExecutionRequest{
			Namespace: namespace, WorkflowId: execution.GetWorkflowId(), RunId: execution.GetRunId(),
			Reason: body.Reason, Identity: c.identity(), RequestId: s.RequestID,
		}, &workflowservice.UnpauseWorkflowExecutionResponse{})
	})
}

// DeleteWorkflow deletes a run and its history.
func (a *API) DeleteWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	op := operation{
		name: "deleteWorkflow", namespace: namespace,
		method: workflowservice.WorkflowService_DeleteWorkflowExecution_FullMethodName,
		handle: &handle{segment: workflowID},
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, _ *openapi.DeleteWorkflowParams, _ *noBody) (*response, error) {
		execution := c.execution
		_, err := c.stampWrite()
		return a.callVoid(ctx, c, execution, err, &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: execution,
		}, &workflowservice.DeleteWorkflowExecutionResponse{})
	})
}

// callVoid makes a call whose response is empty. bad is the validation error of
// the workflow's name, or nil.
func (a *API) callVoid(
	ctx context.Context, c *operationRequest, execution *common.WorkflowExecution, bad error, request, nothing proto.Message,
) (*response, error) {
	if bad != nil {
		return nil, bad
	}
	err := a.options.Upstream.Do(ctx, c.method, request, nothing)
	return noContent(), withWorkflowID(err, execution.GetWorkflowId())
}
