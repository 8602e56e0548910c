package handlers

import (
	"context"
	"net/http"

	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/workflow/v1"
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
		return c.renderView(ctx, a.views.description, response.Bytes(), transcode.Form{}, nil)
	})
}

// versioningOverride shows which version a run is held to.
func versioningOverride(o *workflow.VersioningOverride) openapi.VersioningOverrideState {
	switch override := o.GetOverride().(type) {
	case *workflow.VersioningOverride_Pinned:
		return openapi.VersioningOverrideState{Behavior: "PINNED", PinnedVersion: version(override.Pinned.GetVersion())}
	case *workflow.VersioningOverride_AutoUpgrade:
		return openapi.VersioningOverrideState{Behavior: "AUTO_UPGRADE"}
	default:
		return openapi.VersioningOverrideState{}
	}
}

func version(v *deployment.WorkerDeploymentVersion) *openapi.DeploymentVersion {
	if v == nil {
		return nil
	}
	return &openapi.DeploymentVersion{DeploymentName: v.GetDeploymentName(), BuildID: v.GetBuildId()}
}
