package deployment

import (
	"strings"

	"go.temporal.io/api/deployment/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
)

// maxIDBytes is the server's limit for the name of a deployment and for a build id. The
// server makes a workflow id of both, whose default limit is 1,000 bytes
// (limit.maxIDLength), and divides by two what its prefix of 39 bytes leaves.
const maxIDBytes = 480

// checkName validates the name of a deployment by the server's rules. The server does
// not apply them in all RPCs.
func checkName(v *convert.Validation, name string) {
	if strings.ContainsAny(name, ".:") {
		v.Add("name", `must not contain "." or ":"`)
		return
	}
	checkID(v, "name", name)
}

// checkID validates a build id, or what applies to a name too.
func checkID(v *convert.Validation, pointer, id string) {
	switch {
	case len(id) > maxIDBytes:
		v.Add(pointer, "must be at most 480 bytes")
	case strings.HasPrefix(id, "__"):
		v.Add(pointer, `must not start with "__"`)
	default:
		v.CheckID(pointer, id)
	}
}

// version returns the version that a path names.
func version(v *convert.Validation, name, buildID string) *deployment.WorkerDeploymentVersion {
	checkName(v, name)
	checkID(v, "buildId", buildID)
	return &deployment.WorkerDeploymentVersion{DeploymentName: name, BuildId: buildID}
}
