package handlers

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// UpdateWorkflowOptions changes the options of a running workflow.
func (a *API) UpdateWorkflowOptions(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	op := operation{
		name: "updateWorkflowOptions", namespace: namespace, body: bodyRequired,
		method: workflowservice.WorkflowService_UpdateWorkflowExecutionOptions_FullMethodName,
		handle: &handle{segment: workflowID},
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, _ *openapi.UpdateWorkflowOptionsParams, body *openapi.UpdateOptionsRequest) (*response, error) {
		execution := c.execution
		_, err := c.stampWrite()
		if err != nil {
			return nil, err
		}
		var v convert.Validation
		options, mask := v.WorkflowOptions("", body)
		if err := v.Err(); err != nil {
			return nil, err
		}
		response := &workflowservice.UpdateWorkflowExecutionOptionsResponse{}
		err = a.options.Upstream.Do(ctx, op.method, &workflowservice.UpdateWorkflowExecutionOptionsRequest{
			Namespace: namespace, WorkflowExecution: execution, WorkflowExecutionOptions: options, UpdateMask: mask,
			Identity: c.identity(),
		}, response)
		if err != nil {
			return nil, withWorkflowID(err, execution.GetWorkflowId())
		}
		return okResponse(convert.WorkflowOptions(response.GetWorkflowExecutionOptions())), nil
	})
}
