package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	sdkworkflow "go.temporal.io/sdk/workflow"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// startVersion starts a worker of a deployment version. The name of the deployment is also that of the task queue. It
// returns the versioning override, in JSON, that pins a workflow to the version.
func startVersion(t *testing.T, deployment, buildID string) (pinned string) {
	t.Helper()
	w := worker.New(shared.stack.Client(), deployment, worker.Options{DeploymentOptions: worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: deployment, BuildID: buildID},
		DefaultVersioningBehavior: sdkworkflow.VersioningBehaviorAutoUpgrade,
	}})
	w.RegisterWorkflowWithOptions(ledgerWorkflow, sdkworkflow.RegisterOptions{Name: "Ledger"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	return fmt.Sprintf(`{"behavior":"PINNED","pinnedVersion":{"deploymentName":%s,"buildId":%s}}`, quote(deployment), quote(buildID))
}

func versioningOverride(t *testing.T, workflowID string) string {
	t.Helper()
	return string(as[struct {
		Versioning struct{ Override json.RawMessage }
	}](t, writer().get(t, workflowPath(workflowID))).Versioning.Override)
}

// The deployment has no current version, so only a pinned workflow runs.
func TestStartIsPinnedToAVersion(t *testing.T) {
	t.Parallel()
	deployment, id := newID(t), newID(t)
	pinned := startVersion(t, deployment, "one")
	body := startBody("Ledger", id, deployment, `"args":[0]`, `"versioningOverride":`+pinned)
	e2etest.Eventually(t, "the server knows the deployment version", func() bool { return writer().post(t, workflows, body).status == http.StatusCreated })
	require.JSONEq(t, pinned, versioningOverride(t, id))
	require.Equal(t, "7", string(as[updated](t, writer().update(t, id, updateBody("add", 7)).expect(t, http.StatusOK)).Result))
	terminate(t, id)
}

func TestVersioningOverrideIsSetAndRemoved(t *testing.T) {
	t.Parallel()
	deployment, id := newID(t), newID(t)
	pinned := startVersion(t, deployment, "one")
	writer().post(t, workflows, startBody("Ledger", id, deployment, `"args":[0]`)).expect(t, http.StatusCreated)
	e2etest.Eventually(t, "the server knows the deployment version", func() bool {
		return writer().mustSend(t, http.MethodPatch, workflowPath(id), `{"versioningOverride":`+pinned+`}`).status == http.StatusOK
	})
	require.JSONEq(t, pinned, versioningOverride(t, id))
	require.Equal(t, "7", string(as[updated](t, writer().update(t, id, updateBody("add", 7)).expect(t, http.StatusOK)).Result))
	require.JSONEq(t, `{}`, string(writer().mustSend(t, http.MethodPatch, workflowPath(id), `{"versioningOverride":null}`).expect(t, http.StatusOK).body))
	require.Empty(t, versioningOverride(t, id))
	terminate(t, id)
}

func TestUnknownVersionIsRejected(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	override := `"versioningOverride":{"behavior":"PINNED","pinnedVersion":{"deploymentName":"none","buildId":"none"}}`
	for _, a := range []apiResponse{
		writer().post(t, workflows, startBody("Ledger", newID(t), "unpolled", override)),
		writer().mustSend(t, http.MethodPatch, workflowPath(s.WorkflowID), "{"+override+"}"),
	} {
		require.Contains(t, a.problem(t, http.StatusConflict, "conflict").Detail, "none:none")
	}
	terminate(t, s.WorkflowID)
}
