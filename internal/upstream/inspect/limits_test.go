package inspect_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// The server starts system workflows for a deployment version that it does not know.
func TestALimitedCallerMayNotPollAsAVersion(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options      *deployment.WorkerDeploymentOptions
		capabilities *common.WorkerVersionCapabilities
		rejected     bool
	}{
		"no version": {},
		"an SDK without versioning": {options: &deployment.WorkerDeploymentOptions{
			DeploymentName: "d", BuildId: "1", WorkerVersioningMode: enums.WORKER_VERSIONING_MODE_UNVERSIONED,
		}},
		"an older SDK without versioning": {capabilities: &common.WorkerVersionCapabilities{BuildId: "1", DeploymentSeriesName: "d"}},
		"a version": {options: &deployment.WorkerDeploymentOptions{
			DeploymentName: "d", BuildId: "1", WorkerVersioningMode: enums.WORKER_VERSIONING_MODE_VERSIONED,
		}, rejected: true},
		"an unknown mode": {options: &deployment.WorkerDeploymentOptions{WorkerVersioningMode: 99}, rejected: true},
		"a version of an older SDK": {
			capabilities: &common.WorkerVersionCapabilities{BuildId: "1", DeploymentSeriesName: "d", UseVersioning: true}, rejected: true,
		},
	} {
		for rpc, request := range map[string]proto.Message{
			"PollWorkflowTaskQueue": &workflowservice.PollWorkflowTaskQueueRequest{
				Namespace: orders, DeploymentOptions: test.options, WorkerVersionCapabilities: test.capabilities, //nolint:staticcheck // older SDKs send it
			},
			"PollActivityTaskQueue": &workflowservice.PollActivityTaskQueueRequest{
				Namespace: orders, DeploymentOptions: test.options, WorkerVersionCapabilities: test.capabilities, //nolint:staticcheck // see above
			},
			"PollNexusTaskQueue": &workflowservice.PollNexusTaskQueueRequest{
				Namespace: orders, DeploymentOptions: test.options, WorkerVersionCapabilities: test.capabilities, //nolint:staticcheck // see above
			},
		} {
			for _, principal := range []auth.Principal{{}, {TaskQueues: []string{"orders"}}, {WorkflowTypes: []string{"Order"}}} {
				err := checkFor(principal, workflowService+rpc, upstreamtest.Wire(t, request))
				require.Equal(t, test.rejected && principal.Limited(), problem.Is(err, problem.OperationForbidden), "%s, %s: %v", rpc, name, err)
			}
		}
	}
}

// The server writes closed workflows to the place that the URI names, such as a file.
func TestALimitedCallerMayNotChooseAnArchive(t *testing.T) {
	t.Parallel()
	for uri, rejected := range map[string]bool{"": false, "file:///etc": true} {
		for rpc, request := range map[string]proto.Message{
			"RegisterNamespace": &workflowservice.RegisterNamespaceRequest{Namespace: orders, HistoryArchivalUri: uri},
			"UpdateNamespace":   &workflowservice.UpdateNamespaceRequest{Namespace: orders, Config: &namespace.NamespaceConfig{VisibilityArchivalUri: uri}},
		} {
			for _, principal := range []auth.Principal{{}, {TaskQueues: []string{"orders"}}} {
				err := checkFor(principal, workflowService+rpc, upstreamtest.Wire(t, request))
				require.Equal(t, rejected && principal.Limited(), problem.Is(err, problem.OperationForbidden), "%s, %q: %v", rpc, uri, err)
			}
		}
	}
}
