package convert

import (
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// StartRequest returns the request that an SDK would send. It never requests eager
// execution: the gateway hosts no worker, and an eager task would be lost until its
// timeout.
func StartRequest(stamp Stamp, body *openapi.StartWorkflowRequest) (*workflowservice.StartWorkflowExecutionRequest, error) {
	var v Validation
	v.Require("/workflowType", body.WorkflowType)
	v.CheckID("/workflowId", body.WorkflowID)
	v.Require("/taskQueue", body.TaskQueue)
	if body.StartSignal == "" && (len(body.StartSignalArgs) > 0 || len(body.StartSignalArgPayloads) > 0) {
		v.Add("/startSignal", "is required with arguments for it")
	}
	request := &workflowservice.StartWorkflowExecutionRequest{
		Namespace:                stamp.Namespace,
		WorkflowId:               body.WorkflowID,
		WorkflowType:             &common.WorkflowType{Name: body.WorkflowType},
		TaskQueue:                &taskqueue.TaskQueue{Name: body.TaskQueue},
		Input:                    v.Payloads("/args", body.Args, "/argPayloads", body.ArgPayloads),
		WorkflowExecutionTimeout: v.Duration("/executionTimeout", body.ExecutionTimeout),
		WorkflowRunTimeout:       v.Duration("/runTimeout", body.RunTimeout),
		WorkflowTaskTimeout:      v.Duration("/taskTimeout", body.TaskTimeout),
		Identity:                 stamp.Identity,
		RequestId:                stamp.RequestID,
		WorkflowIdReusePolicy:    Enum[enums.WorkflowIdReusePolicy](&v, "/idReusePolicy", string(body.IDReusePolicy)),
		WorkflowIdConflictPolicy: conflictPolicy(&v, body.IDConflictPolicy),
		RetryPolicy:              v.retryPolicy(body.RetryPolicy),
		CronSchedule:             body.CronSchedule,
		Memo:                     v.Memo(body.Memo, body.MemoPayloads),
		SearchAttributes:         v.SearchAttributes(body.SearchAttributes),
		WorkflowStartDelay:       v.Duration("/startDelay", body.StartDelay),
		UserMetadata:             userMetadata(body.StaticSummary, body.StaticDetails),
		VersioningOverride:       v.versioningOverride("/versioningOverride", body.VersioningOverride),
		Priority:                 v.priority("/priority", body.Priority),
		Header:                   stamp.Header,
	}
	if request.GetWorkflowIdReusePolicy() == enums.WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED {
		request.WorkflowIdReusePolicy = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	}
	return request, v.Err()
}

// conflictPolicy parses the only enum whose unspecified value has a name in the SDKs.
func conflictPolicy(v *Validation, name openapi.WorkflowIDConflictPolicy) enums.WorkflowIdConflictPolicy {
	if name == "UNSPECIFIED" {
		return enums.WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED
	}
	return Enum[enums.WorkflowIdConflictPolicy](v, "/idConflictPolicy", string(name))
}

// SignalWithStartRequest returns a request with the fields of start and the signal of body.
func SignalWithStartRequest(
	body *openapi.StartWorkflowRequest, start *workflowservice.StartWorkflowExecutionRequest,
) (*workflowservice.SignalWithStartWorkflowExecutionRequest, error) {
	var v Validation
	request := &workflowservice.SignalWithStartWorkflowExecutionRequest{
		Namespace:                start.GetNamespace(),
		WorkflowId:               start.GetWorkflowId(),
		WorkflowType:             start.GetWorkflowType(),
		TaskQueue:                start.GetTaskQueue(),
		Input:                    start.GetInput(),
		WorkflowExecutionTimeout: start.GetWorkflowExecutionTimeout(),
		WorkflowRunTimeout:       start.GetWorkflowRunTimeout(),
		WorkflowTaskTimeout:      start.GetWorkflowTaskTimeout(),
		Identity:                 start.GetIdentity(),
		RequestId:                start.GetRequestId(),
		WorkflowIdReusePolicy:    start.GetWorkflowIdReusePolicy(),
		WorkflowIdConflictPolicy: start.GetWorkflowIdConflictPolicy(),
		SignalName:               body.StartSignal,
		SignalInput:              v.Payloads("/startSignalArgs", body.StartSignalArgs, "/startSignalArgPayloads", body.StartSignalArgPayloads),
		RetryPolicy:              start.GetRetryPolicy(),
		CronSchedule:             start.GetCronSchedule(),
		Memo:                     start.GetMemo(),
		SearchAttributes:         start.GetSearchAttributes(),
		WorkflowStartDelay:       start.GetWorkflowStartDelay(),
		UserMetadata:             start.GetUserMetadata(),
		VersioningOverride:       start.GetVersioningOverride(),
		Priority:                 start.GetPriority(),
		Header:                   start.GetHeader(),
	}
	return request, v.Err()
}
