package workflow

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/transcode"
)

// DescribeWorkflow is the SDK's handle.describe.
func (s *Service) DescribeWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "describeWorkflow", Namespace: namespace,
		Method: workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *openapi.DescribeWorkflowParams, _ *operation.None,
	) (*operation.Response, error) {
		response, err := s.upstream.Call(ctx, spec.Method, &workflowservice.DescribeWorkflowExecutionRequest{
			Namespace: namespace, Execution: req.Execution,
		})
		if err != nil {
			return nil, operation.WithWorkflowID(err, req.Execution.GetWorkflowId())
		}
		defer response.Release()
		return req.RenderView(ctx, s.views.Description, response.Bytes(), transcode.Options{}, nil)
	})
}
