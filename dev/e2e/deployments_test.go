package e2e_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

const deployments = "/v1/namespaces/default/deployments"

type deployment struct {
	Name, LastModifierIdentity, ManagerIdentity, RoutingConfigUpdateState string

	RoutingConfig struct {
		CurrentVersion, RampingVersion *struct{ DeploymentName, BuildID string }

		RampingVersionPercentage float64
	}
	Versions []deploymentVersion
}

type deploymentVersion struct {
	DeploymentName, BuildID, Status, CreateTime, LastModifierIdentity string

	RampPercentage float64
	Drainage       struct{ Status string }
	TaskQueues     []struct {
		Name, Type string
		Stats      *struct{ ApproximateBacklogCount int }
	}
	Metadata, MetadataPayloads json.RawMessage
}

func (d deployment) current() string {
	if d.RoutingConfig.CurrentVersion == nil {
		return ""
	}
	return d.RoutingConfig.CurrentVersion.BuildID
}

// deploymentPath returns the path of a deployment, with rest appended.
func deploymentPath(name string, rest ...string) string {
	return deployments + "/" + name + strings.Join(rest, "")
}

func describeDeployment(t *testing.T, name string) (d deployment, etag string) {
	t.Helper()
	a := reader().get(t, deploymentPath(name)).expect(t, http.StatusOK)
	return as[deployment](t, a), a.header.Get("ETag")
}

func describeVersion(t *testing.T, name, buildID string) deploymentVersion {
	t.Helper()
	return as[deploymentVersion](t, reader().get(t, deploymentPath(name, "/versions/", buildID, "?reportTaskQueueStats=true")).expect(t, http.StatusOK))
}

func awaitVersionStatus(t *testing.T, name, buildID, status string) {
	t.Helper()
	e2etest.Eventually(t, "version "+buildID+" is "+status, func() bool { return describeVersion(t, name, buildID).Status == status })
}

// setRouting sets the current version, the ramping version or the manager.
func setRouting(t *testing.T, c caller, name, what, body string) apiResponse {
	t.Helper()
	return c.mustSend(t, http.MethodPut, deploymentPath(name, what), body)
}

// startOn starts a Ledger workflow and requires that a worker of the given version runs it. The name of the deployment is
// also the name of its workers' task queue.
func startOn(t *testing.T, name, buildID string, fields ...string) (workflowID string) {
	t.Helper()
	id := newID(t)
	writer().post(t, workflows, startBody("Ledger", id, name, append(fields, `"args":[0]`)...)).expect(t, http.StatusCreated)
	e2etest.Eventually(t, "the workflow runs on version "+buildID, func() bool {
		return as[struct {
			Versioning struct{ DeploymentVersion struct{ BuildID string } }
		}](t, reader().get(t, workflowPath(id))).Versioning.DeploymentVersion.BuildID == buildID
	})
	return id
}

func TestDeploymentRoutesRampsAndDrains(t *testing.T) {
	t.Parallel()
	name := newID(t)
	pinnedToFirst := startVersion(t, name, "1.0") // the versioning override, in JSON
	startVersion(t, name, "2.0")
	e2etest.Eventually(t, "both versions have polled", func() bool {
		a := reader().get(t, deploymentPath(name))
		return a.status == http.StatusOK && len(as[deployment](t, a).Versions) == 2
	})
	d, before := describeDeployment(t, name)
	require.Equal(t, []string{name, ""}, []string{d.Name, d.current()})
	require.Equal(t, "INACTIVE", d.Versions[0].Status)

	set := setRouting(t, writer().with("If-Match", before), name, "/current-version", `{"buildId":"1.0"}`).expect(t, http.StatusNoContent)
	d, after := describeDeployment(t, name)
	require.Equal(t, []string{"1.0", writerKeyID}, []string{d.current(), d.LastModifierIdentity})
	require.Equal(t, set.header.Get("ETag"), after)
	terminate(t, startOn(t, name, "1.0"))
	setRouting(t, writer().with("If-Match", before), name, "/current-version", `{"buildId":"2.0"}`).
		problem(t, http.StatusPreconditionFailed, "deployment-changed")
	setRouting(t, writer(), name, "/ramping-version", `{"buildId":"1.0","percentage":5}`).problem(t, http.StatusConflict, "conflict")

	setRouting(t, writer().with("If-Match", after), name, "/ramping-version", `{"buildId":"2.0","percentage":12.5}`).expect(t, http.StatusNoContent)
	d, _ = describeDeployment(t, name)
	require.Equal(t, "2.0", d.RoutingConfig.RampingVersion.BuildID)
	require.InDelta(t, 12.5, d.RoutingConfig.RampingVersionPercentage, 0)
	awaitVersionStatus(t, name, "2.0", "RAMPING")
	setRouting(t, writer(), name, "/ramping-version", `{"buildId":"2.0","percentage":100}`).expect(t, http.StatusNoContent)
	terminate(t, startOn(t, name, "2.0"))
	setRouting(t, writer(), name, "/ramping-version", `{"percentage":0}`).expect(t, http.StatusNoContent)
	d, _ = describeDeployment(t, name)
	require.Nil(t, d.RoutingConfig.RampingVersion)

	id := startOn(t, name, "1.0", `"versioningOverride":`+pinnedToFirst)
	setRouting(t, writer(), name, "/current-version", `{"buildId":"2.0"}`).expect(t, http.StatusNoContent)
	awaitVersionStatus(t, name, "1.0", "DRAINING")
	terminate(t, id)
	awaitVersionStatus(t, name, "1.0", "DRAINED")
	v := describeVersion(t, name, "1.0")
	require.Equal(t, []string{name, "1.0", "DRAINED"}, []string{v.DeploymentName, v.BuildID, v.Drainage.Status})
	require.Equal(t, name, v.TaskQueues[0].Name)
	require.NotNil(t, v.TaskQueues[0].Stats)
	for path, detail := range map[string]string{"/versions/1.0": "pollers", "/versions/2.0": "current", "": "versions"} {
		p := writer().mustSend(t, http.MethodDelete, deploymentPath(name, path), "").problem(t, http.StatusConflict, "conflict")
		require.Contains(t, p.Detail, detail)
	}
}

func TestDeploymentsAreListed(t *testing.T) {
	t.Parallel()
	name := newID(t)
	setRouting(t, writer(), name, "/current-version", `{"buildId":"1.0","allowNoPollers":true}`).expect(t, http.StatusNoContent)
	type page struct {
		Deployments   []deployment
		NextPageToken string
	}
	isThis := func(d deployment) bool { return d.Name == name && d.current() == "1.0" }
	e2etest.Eventually(t, "the deployment is listed", func() bool {
		found, token := false, ""
		for first := true; first || token != ""; first = false {
			p := as[page](t, reader().get(t, deployments+"?pageSize=2&pageToken="+token).expect(t, http.StatusOK))
			found, token = found || slices.ContainsFunc(p.Deployments, isThis), p.NextPageToken
		}
		return found
	})
	lines := reader().with("Accept", typeNDJSON).get(t, deployments).expect(t, http.StatusOK)
	require.Contains(t, string(lines.body), `{"name":`+quote(name))
}

func TestDeploymentWithoutWorkersIsCreatedAndDeleted(t *testing.T) {
	t.Parallel()
	name := newID(t)
	reader().get(t, deploymentPath(name)).problem(t, http.StatusNotFound, "deployment-not-found")
	reader().get(t, deploymentPath(name, "/versions/1.0")).problem(t, http.StatusNotFound, "deployment-not-found")
	setRouting(t, writer(), name, "/current-version", `{"buildId":"1.0"}`).problem(t, http.StatusNotFound, "deployment-not-found")
	setRouting(t, writer(), name, "/current-version", `{"buildId":"1.0","allowNoPollers":true}`).expect(t, http.StatusNoContent)
	awaitVersionStatus(t, name, "1.0", "CURRENT")
	setRouting(t, writer(), name, "/current-version", `{"buildId":"2.0"}`).problem(t, http.StatusNotFound, "deployment-not-found")

	setRouting(t, writer(), name, "/current-version", `{"buildId":null,"ignoreMissingTaskQueues":true}`).expect(t, http.StatusNoContent)
	d, _ := describeDeployment(t, name)
	require.Empty(t, d.current())
	writer().mustSend(t, http.MethodDelete, deploymentPath(name, "/versions/1.0?skipDrainage=true"), "").expect(t, http.StatusNoContent)
	e2etest.Eventually(t, "the version is deleted", func() bool {
		return reader().get(t, deploymentPath(name, "/versions/1.0")).status == http.StatusNotFound
	})
	for range 2 { // the second request has no effect
		writer().mustSend(t, http.MethodDelete, deploymentPath(name), "").expect(t, http.StatusNoContent)
	}
	e2etest.Eventually(t, "the deployment is deleted", func() bool { return reader().get(t, deploymentPath(name)).status == http.StatusNotFound })
}

func TestOnlyTheManagerChangesADeployment(t *testing.T) {
	t.Parallel()
	name := newID(t)
	setRouting(t, writer(), name, "/current-version", `{"buildId":"1.0","allowNoPollers":true}`).expect(t, http.StatusNoContent)
	setRouting(t, writer(), name, "/manager", `{"managerIdentity":"pipeline"}`).expect(t, http.StatusNoContent)
	d, _ := describeDeployment(t, name)
	require.Equal(t, "pipeline", d.ManagerIdentity)
	p := setRouting(t, writer(), name, "/ramping-version", `{"buildId":"2.0","percentage":1,"allowNoPollers":true}`).problem(t, http.StatusConflict, "conflict")
	require.Contains(t, p.Detail, "pipeline")
	a := setRouting(t, writer(), name, "/manager", `{"managerIdentity":null}`).expect(t, http.StatusNoContent)
	d, etag := describeDeployment(t, name)
	require.Equal(t, []string{"", etag}, []string{d.ManagerIdentity, a.header.Get("ETag")})
	setRouting(t, writer(), name, "/ramping-version", `{"buildId":"2.0","percentage":1,"allowNoPollers":true,"ignoreMissingTaskQueues":true}`).
		expect(t, http.StatusNoContent)
}

func TestVersionMetadataComesBackByteForByte(t *testing.T) {
	t.Parallel()
	name := newID(t)
	metadata := deploymentPath(name, "/versions/1.0/metadata")
	writer().mustSend(t, http.MethodPatch, metadata, `{"upsertEntries":{"n":1}}`).problem(t, http.StatusNotFound, "deployment-not-found")
	setRouting(t, writer(), name, "/current-version", `{"buildId":"1.0","allowNoPollers":true}`).expect(t, http.StatusNoContent)
	const entries = `{"big":12345678901234567890,"none":null,"price":1.10}`
	a := writer().mustSend(t, http.MethodPatch, metadata, `{"upsertEntries":`+entries+`}`).expect(t, http.StatusOK)
	require.Equal(t, entries, string(as[deploymentVersion](t, a).Metadata))
	require.Equal(t, entries, string(describeVersion(t, name, "1.0").Metadata))
	a = writer().mustSend(t, http.MethodPatch, metadata,
		`{"upsertEntryPayloads":{"raw":{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"AP8="}},"removeEntries":["big","none","absent"]}`).expect(t, http.StatusOK)
	require.Contains(t, string(as[deploymentVersion](t, a).MetadataPayloads), `"raw":{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"AP8="}`)
	a = writer().mustSend(t, http.MethodPatch, metadata, `{"removeEntries":["raw"]}`).expect(t, http.StatusOK)
	require.JSONEq(t, `{"metadata":{"price":1.10}}`, string(a.body))
}
