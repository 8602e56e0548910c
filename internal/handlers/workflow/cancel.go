package workflow

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// CancelWorkflow is the SDK's handle.cancel.
func (s *Service) CancelWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "cancelWorkflow", Namespace: namespace, Body: operation.BodyOptional,
		Method: workflowservice.WorkflowService_RequestCancelWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID}, RPCChecksChain: true,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.CancelWorkflowParams, body *openapi.CancelRequest,
	) (*operation.Response, error) {
		stamp, err := req.StampWrite()
		if err != nil {
			return nil, err
		}
		return s.callVoid(ctx, req, &workflowservice.RequestCancelWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: req.Execution, FirstExecutionRunId: params.FirstExecutionRunID,
			Reason: body.Reason, Identity: req.Identity(), RequestId: stamp.RequestID,
		}, &workflowservice.RequestCancelWorkflowExecutionResponse{})
	})
}

// TerminateWorkflow is the SDK's handle.terminate.
func (s *Service) TerminateWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "terminateWorkflow", Namespace: namespace, Body: operation.BodyOptional,
		Method: workflowservice.WorkflowService_TerminateWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID}, RPCChecksChain: true,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.TerminateWorkflowParams, body *openapi.TerminateRequest,
	) (*operation.Response, error) {
		if _, err := req.StampWrite(); err != nil { // only validates the Idempotency-Key: the RPC has no request id
			return nil, err
		}
		var v convert.Validation
		details := v.Payloads("/details", body.Details, "/detailPayloads", body.DetailPayloads)
		if err := v.Err(); err != nil {
			return nil, err
		}
		return s.callVoid(ctx, req, &workflowservice.TerminateWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: req.Execution, FirstExecutionRunId: params.FirstExecutionRunID,
			Reason: body.Reason, Details: details, Identity: req.Identity(),
		}, &workflowservice.TerminateWorkflowExecutionResponse{})
	})
}
