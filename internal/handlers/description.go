package handlers

import (
	"context"
	"net/http"

	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/transcode"
)

// DescribeWorkflow is the SDK's handle.describe.
func (a *API) DescribeWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	op := operation{
		name: "describeWorkflow", namespace: namespace,
		method: workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName,
		handle: &handle{segment: workflowID},
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, _ *DescribeWorkflowParams, _ *noBody) (*response, error) {
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
func versioningOverride(o *workflow.VersioningOverride) VersioningOverrideState {
	switch override := o.GetOverride().(type) {
	case *workflow.VersioningOverride_Pinned:
		return VersioningOverrideState{Behavior: "PINNED", PinnedVersion: version(override.Pinned.GetVersion())}
	case *workflow.VersioningOverride_AutoUpgrade:
		return VersioningOverrideState{Behavior: "AUTO_UPGRADE"}
	default:
		return VersioningOverrideState{}
	}
}

func version(v *deployment.WorkerDeploymentVersion) *DeploymentVersion {
	if v == nil {
		return nil
	}
	return &DeploymentVersion{DeploymentName: v.GetDeploymentName(), BuildID: v.GetBuildId()}
}
