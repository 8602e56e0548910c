package problem

import (
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The server's messages about worker deployments.
const (
	messageTokenMismatch    = "conflict token mismatch" // the conflict token is not the current one
	messageVersionsDisabled = "Worker Deployment Versions are disabled on this namespace."
)

// deploymentError replaces errors about a workflow by errors about a worker deployment.
// The server runs each deployment and each version as a workflow, and some of its
// errors are about that workflow.
func deploymentError(e *Error, st *status.Status) *Error {
	detail, _ := firstDetail(st).(*errordetails.ResourceExhaustedFailure)
	switch {
	case e.Code == WorkflowNotFound || e.Code == WorkflowCompleted:
		return New(DeploymentNotFound, "There is no deployment with this name, or it does not have this version.")
	case st.Code() == codes.FailedPrecondition && st.Message() == messageTokenMismatch:
		return New(DeploymentChanged, "The deployment has changed since the ETag in If-Match.")
	case st.Code() == codes.PermissionDenied && st.Message() == messageVersionsDisabled: // by the server's configuration, not by the caller's access
		return New(NotOfferedByServer, "The Temporal server does not offer worker deployments in this namespace.")
	case detail.GetCause() == enums.RESOURCE_EXHAUSTED_CAUSE_WORKER_DEPLOYMENT_LIMITS:
		return New(Conflict, st.Message()) // a limit on deployments and versions, which a repeated request exceeds again
	default:
		return e
	}
}
