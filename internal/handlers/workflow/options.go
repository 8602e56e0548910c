package workflow

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// UpdateWorkflowOptions changes the options of a running workflow.
func (s *Service) UpdateWorkflowOptions(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "updateWorkflowOptions", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_UpdateWorkflowExecutionOptions_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *openapi.UpdateWorkflowOptionsParams, body *openapi.UpdateOptionsRequest,
	) (*operation.Response, error) {
		if _, err := req.StampWrite(); err != nil { // only validates the Idempotency-Key: the RPC has no request id
			return nil, err
		}
		var v convert.Validation
		options, mask := v.WorkflowOptions("", body)
		if err := v.Err(); err != nil {
			return nil, err
		}
		response := &workflowservice.UpdateWorkflowExecutionOptionsResponse{}
		err := s.upstream.Do(ctx, spec.Method, &workflowservice.UpdateWorkflowExecutionOptionsRequest{
			Namespace: namespace, WorkflowExecution: req.Execution, WorkflowExecutionOptions: options, UpdateMask: mask,
			Identity: req.Identity(),
		}, response)
		if err != nil {
			return nil, operation.WithWorkflowID(err, req.Execution.GetWorkflowId())
		}
		return operation.OK(convert.WorkflowOptions(response.GetWorkflowExecutionOptions())), nil
	})
}
