package problem_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/problem"
)

func TestErrorsOfTheWorkflowsBehindADeployment(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method, message string
		grpcCode        codes.Code
		want            problem.Code
	}{
		{"DeleteWorkerDeploymentVersion", "workflow not found for ID: temporal-sys-worker-deployment:orders", codes.NotFound, problem.DeploymentNotFound},
		{"UpdateWorkerDeploymentVersionMetadata", "workflow execution already completed", codes.NotFound, problem.DeploymentNotFound},
		{"SetWorkerDeploymentRampingVersion", "conflict token mismatch", codes.FailedPrecondition, problem.DeploymentChanged},
		{"SetWorkerDeploymentManager", "conflict token mismatch, or not", codes.FailedPrecondition, problem.Conflict},
		{"UpdateWorkflowExecution", "conflict token mismatch", codes.FailedPrecondition, problem.Conflict},
		{"ListWorkerDeployments", "Worker Deployment Versions are disabled on this namespace.", codes.PermissionDenied, problem.NotOfferedByServer},
		{"ListWorkerDeployments", "Request unauthorized.", codes.PermissionDenied, problem.PermissionDenied},
		{"ListWorkerDeployments", "unknown method", codes.Unimplemented, problem.NotOfferedByServer},
	} {
		e := problem.FromStatus(status.New(test.grpcCode, test.message), test.method)
		require.Equal(t, test.want, e.Code, "%s %s", test.method, test.message)
		require.Equal(t, test.grpcCode, e.Upstream.Code(), "the upstream's status is kept for the other doors")
		require.NotContains(t, e.Detail, "temporal-sys")
	}
}
