package workflow_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

func TestTheUpdateMaskNamesThePresentOptions(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"priority":null}`:              `{"updateMask":"priority","workflowExecutionOptions":{"priority":{}}}`,
		`{"priority":{"priorityKey":2}}`: `{"updateMask":"priority","workflowExecutionOptions":{"priority":{"priorityKey":2}}}`,
		`{"versioningOverride":null}`:    `{"updateMask":"versioningOverride","workflowExecutionOptions":{}}`,
		`{"versioningOverride":{"behavior":"AUTO_UPGRADE"},"priority":null}`: `{"updateMask":"versioningOverride,priority",
			"workflowExecutionOptions":{"versioningOverride":{"autoUpgrade":true,"behavior":"VERSIONING_BEHAVIOR_AUTO_UPGRADE"},"priority":{}}}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			handlerstest.HandleManagementRPCs(g)
			resp := g.Do(t, http.MethodPatch, servertest.WorkflowsPath+"/w", body)
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			require.JSONEq(t, `{}`, resp.Body)
			request := handlerstest.OnlyRequest[*workflowservice.UpdateWorkflowExecutionOptionsRequest](t, g, "UpdateWorkflowExecutionOptions")
			require.Equal(t, []string{"default", "w", "writer"},
				[]string{request.GetNamespace(), request.GetWorkflowExecution().GetWorkflowId(), request.GetIdentity()})
			request.Namespace, request.WorkflowExecution, request.Identity = "", nil, ""
			handlerstest.RequireMessage(t, want, request)
		})
	}
}
