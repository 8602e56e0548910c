package workflow

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// DeleteWorkflow deletes a run and its history.
func (s *Service) DeleteWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "deleteWorkflow", Namespace: namespace,
		Method: workflowservice.WorkflowService_DeleteWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *openapi.DeleteWorkflowParams, _ *operation.None,
	) (*operation.Response, error) {
		if _, err := req.StampWrite(); err != nil { // only validates the Idempotency-Key: the RPC has no request id
			return nil, err
		}
		return s.callVoid(ctx, req, &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: req.Execution,
		}, &workflowservice.DeleteWorkflowExecutionResponse{})
	})
}
