package handlers

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/transcode"
)

// DescribeWorkflow is the SDK's handle.describe.
func (a *API) DescribeWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	op := operation{
		name: "describeWorkflow", namespace: namespace,
		method: workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName,
		handle: &handle{segment: workflowID},
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, _ *openapi.DescribeWorkflowParams, _ *noBody) (*response, error) {
		response, err := a.options.Upstream.Call(ctx, op.method, &workflowservice.DescribeWorkflowExecutionRequest{
			Namespace: namespace, Execution: c.execution,
		})
		if err != nil {
			return nil, withWorkflowID(err, c.execution.GetWorkflowId())
		}
		defer response.Release()
		return c.renderView(ctx, a.views.Description, response.Bytes(), transcode.Form{}, nil)
	})
}
