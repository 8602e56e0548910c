package handlers

import (
	"fmt"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// startRequest turns the request into what the SDK would send (temporal.md
// 1.1). A worker is never asked for on this side of the call: the gateway
// hosts none, and an eager task would be lost until its timeout.
func startRequest(s stamp, body *openapi.StartWorkflowRequest) (*workflowservice.StartWorkflowExecutionRequest, error) {
	var f validation
	f.require("/workflowType", body.WorkflowType)
	f.checkID("/workflowId", body.WorkflowID)
	f.require("/taskQueue", body.TaskQueue)
	if body.StartSignal == "" && (len(body.StartSignalArgs) > 0 || len(body.StartSignalArgPayloads) > 0) {
		f.add("/startSignal", "is required with arguments for it")
	}
	request := &workflowservice.StartWorkflowExecutionRequest{
		Namespace:                s.namespace,
		WorkflowId:               body.WorkflowID,
		WorkflowType:             &common.WorkflowType{Name: body.WorkflowType},
		TaskQueue:                &taskqueue.TaskQueue{Name: body.TaskQueue},
		Input:                    f.payloads("/args", body.Args, "/argPayloads", body.ArgPayloads),
		WorkflowExecutionTimeout: f.duration("/executionTimeout", body.ExecutionTimeout),
		WorkflowRunTimeout:       f.duration("/runTimeout", body.RunTimeout),
		WorkflowTaskTimeout:      f.duration("/taskTimeout", body.TaskTimeout),
		Identity:                 s.identity,
		RequestId:                s.requestID,
		WorkflowIdReusePolicy:    enum[enums.WorkflowIdReusePolicy](&f, "/idReusePolicy", string(body.IDReusePolicy)),
		WorkflowIdConflictPolicy: conflictPolicy(&f, body.IDConflictPolicy),
		RetryPolicy:              f.retryPolicy("/retryPolicy", body.RetryPolicy),
		CronSchedule:             body.CronSchedule,
		Memo:                     f.memo(body.Memo, body.MemoPayloads),
		SearchAttributes:         f.searchAttributes(body.SearchAttributes),
		WorkflowStartDelay:       f.duration("/startDelay", body.StartDelay),
		UserMetadata:             userMetadata(body.StaticSummary, body.StaticDetails),
		VersioningOverride:       f.versioningOverride("/versioningOverride", body.VersioningOverride),
		Priority:                 f.priority("/priority", body.Priority),
		Header:                   s.header,
	}
	if request.GetWorkflowIdReusePolicy() == enums.WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED {
		request.WorkflowIdReusePolicy = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	}
	return request, f.err()
}

// conflictPolicy reads the one enum whose unspecified value has a name of its
// own in the SDK.
func conflictPolicy(f *validation, name openapi.WorkflowIDConflictPolicy) enums.WorkflowIdConflictPolicy {
	if name == "UNSPECIFIED" {
		return enums.WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED
	}
	return enum[enums.WorkflowIdConflictPolicy](f, "/idConflictPolicy", string(name))
}

// signalWithStartRequest carries a start over into a signal with start.
func signalWithStartRequest(
	body *openapi.StartWorkflowRequest, start *workflowservice.StartWorkflowExecutionRequest,
) (*workflowservice.SignalWithStartWorkflowExecutionRequest, error) {
	var f validation
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
		SignalInput:              f.payloads("/startSignalArgs", body.StartSignalArgs, "/startSignalArgPayloads", body.StartSignalArgPayloads),
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
	return request, f.err()
}

// The SDK's defaults of a retry policy.
const (
	defaultInitialInterval    = time.Second
	defaultBackoffCoefficient = 2.0
	defaultIntervalFactor     = 100 // maximum interval over initial interval
)

// retryPolicy completes and checks a policy as the SDK does before it sends it.
func (f *validation) retryPolicy(pointer string, policy *openapi.RetryPolicy) *common.RetryPolicy {
	if policy == nil {
		return nil
	}
	sent := &common.RetryPolicy{
		InitialInterval:        f.duration(pointer+"/initialInterval", policy.InitialInterval),
		BackoffCoefficient:     defaultBackoffCoefficient,
		MaximumInterval:        f.duration(pointer+"/maximumInterval", policy.MaximumInterval),
		NonRetryableErrorTypes: policy.NonRetryableErrorTypes,
	}
	if policy.BackoffCoefficient != nil {
		sent.BackoffCoefficient = *policy.BackoffCoefficient
	}
	if policy.MaximumAttempts != nil {
		sent.MaximumAttempts = *policy.MaximumAttempts
	}
	if sent.GetInitialInterval() == nil {
		sent.InitialInterval = durationpb.New(defaultInitialInterval)
	}
	if sent.GetMaximumInterval() == nil {
		sent.MaximumInterval = durationpb.New(defaultIntervalFactor * sent.GetInitialInterval().AsDuration())
	}
	if sent.GetMaximumAttempts() != 1 {
		f.checkRetryPolicy(pointer, sent)
	}
	return sent
}

func (f *validation) checkRetryPolicy(pointer string, policy *common.RetryPolicy) {
	if policy.GetInitialInterval().AsDuration() <= 0 {
		f.add(pointer+"/initialInterval", "must be above zero")
	}
	if policy.GetBackoffCoefficient() < 1 {
		f.add(pointer+"/backoffCoefficient", "must be at least 1")
	}
	if policy.GetMaximumInterval().AsDuration() < policy.GetInitialInterval().AsDuration() {
		f.add(pointer+"/maximumInterval", "must be at least the initial interval")
	}
	if policy.GetMaximumAttempts() < 0 {
		f.add(pointer+"/maximumAttempts", "must not be negative")
	}
}

// Bounds of fairness (temporal.api.common.v1.Priority).
const (
	maxFairnessKeyBytes = 64
	minFairnessWeight   = 0.001
	maxFairnessWeight   = 1000
)

// priority is always sent, as the SDK does.
func (f *validation) priority(pointer string, priority *openapi.Priority) *common.Priority {
	sent := &common.Priority{}
	if priority == nil {
		return sent
	}
	if priority.PriorityKey != nil {
		sent.PriorityKey = *priority.PriorityKey
		if sent.GetPriorityKey() < 1 {
			f.add(pointer+"/priorityKey", "must be at least 1")
		}
	}
	sent.FairnessKey = priority.FairnessKey
	if len(sent.GetFairnessKey()) > maxFairnessKeyBytes {
		f.add(pointer+"/fairnessKey", fmt.Sprintf("must be at most %d bytes", maxFairnessKeyBytes))
	}
	if priority.FairnessWeight != nil {
		sent.FairnessWeight = *priority.FairnessWeight
		if w := sent.GetFairnessWeight(); w < minFairnessWeight || w > maxFairnessWeight {
			f.add(pointer+"/fairnessWeight", "must be between 0.001 and 1000")
		}
	}
	return sent
}

// versioningOverride sets the deprecated fields beside the new ones, as the
// SDK does for servers that know only those.
func (f *validation) versioningOverride(pointer string, override *openapi.VersioningOverride) *workflow.VersioningOverride {
	if override == nil {
		return nil
	}
	switch override.Behavior {
	case "PINNED":
		version := override.PinnedVersion
		if version == nil || version.DeploymentName == "" || version.BuildID == "" {
			f.add(pointer+"/pinnedVersion", "is required, with deploymentName and buildId, when the behavior is PINNED")
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
			f.add(pointer+"/pinnedVersion", "must not be sent when the behavior is AUTO_UPGRADE")
		}
		return &workflow.VersioningOverride{
			Behavior: enums.VERSIONING_BEHAVIOR_AUTO_UPGRADE, //nolint:staticcheck // for older servers
			Override: &workflow.VersioningOverride_AutoUpgrade{AutoUpgrade: true},
		}
	default:
		f.add(pointer+"/behavior", "must be PINNED or AUTO_UPGRADE")
		return nil
	}
}
