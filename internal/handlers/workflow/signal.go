package workflow

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// SignalWorkflow is the SDK's handle.signal.
func (s *Service) SignalWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "signalWorkflow", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_SignalWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *openapi.SignalWorkflowParams, body *openapi.SignalRequest,
	) (*operation.Response, error) {
		stamp, err := req.StampWrite(body.Signal)
		if err != nil {
			return nil, err
		}
		var v convert.Validation
		v.Require("/signal", body.Signal)
		input := v.Payloads("/args", body.Args, "/argPayloads", body.ArgPayloads)
		if err := v.Err(); err != nil {
			return nil, err
		}
		return s.callVoid(ctx, req, &workflowservice.SignalWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: req.Execution, SignalName: body.Signal, Input: input,
			Identity: req.Identity(), RequestId: stamp.RequestID, Header: stamp.Header,
		}, &workflowservice.SignalWorkflowExecutionResponse{})
	})
}
