package convert

import (
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/transcode"
)

// versioningOverride returns the override to send. As the SDKs do, it also sets the
// deprecated fields, for servers that know only those.
func (v *Validation) versioningOverride(pointer string, override *openapi.VersioningOverride) *workflow.VersioningOverride {
	if override == nil {
		return nil
	}
	switch override.Behavior {
	case "PINNED":
		version := override.PinnedVersion
		if version == nil || version.DeploymentName == "" || version.BuildID == "" {
			v.Add(pointer+"/pinnedVersion", "is required, with deploymentName and buildId, when the behavior is PINNED")
			return nil
		}
		return &workflow.VersioningOverride{
			Behavior:      enums.VERSIONING_BEHAVIOR_PINNED,               //nolint:staticcheck // for older servers
			PinnedVersion: version.DeploymentName + "." + version.BuildID, //nolint:staticcheck // for older servers
			Override: &workflow.VersioningOverride_Pinned{Pinned: &workflow.VersioningOverride_PinnedOverride{
				Behavior: workflow.VersioningOverride_PINNED_OVERRIDE_BEHAVIOR_PINNED,
				Version:  &deployment.WorkerDeploymentVersion{DeploymentName: version.DeploymentName, BuildId: version.BuildID},
			}},
		}
	case "AUTO_UPGRADE":
		if override.PinnedVersion != nil {
			v.Add(pointer+"/pinnedVersion", "must not be sent when the behavior is AUTO_UPGRADE")
		}
		return &workflow.VersioningOverride{
			Behavior: enums.VERSIONING_BEHAVIOR_AUTO_UPGRADE, //nolint:staticcheck // for older servers
			Override: &workflow.VersioningOverride_AutoUpgrade{AutoUpgrade: true},
		}
	default:
		v.Add(pointer+"/behavior", "must be PINNED or AUTO_UPGRADE")
		return nil
	}
}

// renderVersioningOverride returns the override of a run.
func renderVersioningOverride(o *workflow.VersioningOverride) openapi.VersioningOverrideState {
	switch override := o.GetOverride().(type) {
	case *workflow.VersioningOverride_Pinned:
		return openapi.VersioningOverrideState{Behavior: "PINNED", PinnedVersion: DeploymentVersion(override.Pinned.GetVersion())}
	case *workflow.VersioningOverride_AutoUpgrade:
		return openapi.VersioningOverrideState{Behavior: "AUTO_UPGRADE"}
	default:
		return openapi.VersioningOverrideState{}
	}
}

// DeploymentVersion returns a version of a worker deployment, or nil if there is none.
func DeploymentVersion(v *deployment.WorkerDeploymentVersion) *openapi.DeploymentVersion {
	if v == nil {
		return nil
	}
	return &openapi.DeploymentVersion{DeploymentName: v.GetDeploymentName(), BuildID: v.GetBuildId()}
}

// VersionView returns the fields of a version of a worker deployment.
func VersionView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "deployment_name", As: "deploymentName", Always: true}, {Field: "build_id", As: "buildId", Always: true},
	}
}

func versioningView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "behavior", As: "behavior"},
		{Field: "deployment_version", As: "deploymentVersion", View: VersionView()},
		{Field: "revision_number", As: "revisionNumber"},
		{Field: "version_transition", As: "transition", View: []transcode.ViewField{
			{Field: "deployment_version", As: "deploymentVersion", View: VersionView()},
		}},
		{Field: "versioning_override", As: "override", Value: RenderAs(renderVersioningOverride)},
	}
}
