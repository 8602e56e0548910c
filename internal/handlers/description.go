package handlers

import (
	"context"
	"net/http"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/upstream"
)

// DescribeWorkflow is the SDK's handle.describe.
func (a *API) DescribeWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string, params DescribeWorkflowParams) {
	op := operation{
		name: "describeWorkflow", namespace: namespace, params: params,
		method: workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName,
	}
	serve(a, w, r, op, func(ctx context.Context, _ *call, _ *noBody) (*answer, error) {
		id, err := workflowIDOf(workflowID, params.WorkflowID)
		if err != nil {
			return nil, err
		}
		response, err := describeRun(ctx, a.options.Upstream, upstream.CallFrom(ctx), id, params.RunID)
		if err != nil {
			return nil, aboutWorkflow(err, id)
		}
		return ok(description(response)), nil
	})
}

// summary is what a list tells of a workflow.
func summary(info *workflow.WorkflowExecutionInfo) WorkflowSummary {
	shown := WorkflowSummary{
		WorkflowID: info.GetExecution().GetWorkflowId(), RunID: info.GetExecution().GetRunId(),
		FirstExecutionRunID: info.GetFirstRunId(),
		WorkflowType:        info.GetType().GetName(), TaskQueue: info.GetTaskQueue(), Status: enumName(info.GetStatus()),
		StartTime: shownTime(info.GetStartTime()), ExecutionTime: shownTime(info.GetExecutionTime()), CloseTime: shownTime(info.GetCloseTime()),
		ExecutionDuration: shownDuration(info.GetExecutionDuration()),
		HistoryLength:     info.GetHistoryLength(), HistorySizeBytes: info.GetHistorySizeBytes(),
		StateTransitionCount: info.GetStateTransitionCount(),
		SearchAttributes:     shownSearchAttributes(info.GetSearchAttributes()),
		Parent:               execution(info.GetParentExecution()), Root: execution(info.GetRootExecution()),
		//nolint:staticcheck // what servers before deployments tell
		AssignedBuildID: info.GetAssignedBuildId(), InheritedBuildID: info.GetInheritedBuildId(),
		WorkerDeploymentName: info.GetWorkerDeploymentName(),
		ExternalPayloadCount: info.GetExternalPayloadCount(), ExternalPayloadSizeBytes: info.GetExternalPayloadSizeBytes(),
		Priority: shownPriority(info.GetPriority()), Versioning: versioning(info.GetVersioningInfo()),
	}
	shown.Memo, shown.MemoPayloads = shownMemo(info.GetMemo())
	return shown
}

// description is what describe tells of a workflow.
func description(d *workflowservice.DescribeWorkflowExecutionResponse) WorkflowDescription {
	config, info, extended := d.GetExecutionConfig(), d.GetWorkflowExecutionInfo(), d.GetWorkflowExtendedInfo()
	shown := WorkflowDescription{
		WorkflowSummary:         summary(info),
		ExecutionTimeout:        shownDuration(config.GetWorkflowExecutionTimeout()),
		RunTimeout:              shownDuration(config.GetWorkflowRunTimeout()),
		TaskTimeout:             shownDuration(config.GetDefaultWorkflowTaskTimeout()),
		StaticSummary:           text(config.GetUserMetadata().GetSummary()),
		StaticDetails:           text(config.GetUserMetadata().GetDetails()),
		ExecutionExpirationTime: shownTime(extended.GetExecutionExpirationTime()),
		RunExpirationTime:       shownTime(extended.GetRunExpirationTime()),
		CancelRequested:         extended.GetCancelRequested(),
		LastResetTime:           shownTime(extended.GetLastResetTime()),
		OriginalStartTime:       shownTime(extended.GetOriginalStartTime()),
		ResetRunID:              extended.GetResetRunId(),
	}
	if shown.TaskQueue == "" {
		shown.TaskQueue = config.GetTaskQueue().GetName()
	}
	if pause := extended.GetPauseInfo(); pause != nil {
		shown.Pause = &Pause{Identity: pause.GetIdentity(), Reason: pause.GetReason(), Time: shownTime(pause.GetPausedTime())}
	}
	shown.addPending(d)
	shown.addPoints(info, extended)
	return shown
}

// addPoints adds the points to reset to, and the requests that the run knows.
func (shown *WorkflowDescription) addPoints(info *workflow.WorkflowExecutionInfo, extended *workflow.WorkflowExecutionExtendedInfo) {
	for _, point := range info.GetAutoResetPoints().GetPoints() {
		shown.AutoResetPoints = append(shown.AutoResetPoints, ResetPoint{
			BuildID: point.GetBuildId(), BinaryChecksum: point.GetBinaryChecksum(), //nolint:staticcheck // what old workers left
			RunID: point.GetRunId(), FirstWorkflowTaskCompletedID: point.GetFirstWorkflowTaskCompletedId(),
			CreateTime: shownTime(point.GetCreateTime()), ExpireTime: shownTime(point.GetExpireTime()), Resettable: point.GetResettable(),
		})
	}
	for id, request := range extended.GetRequestIdInfos() {
		if shown.RequestIDs == nil {
			shown.RequestIDs = map[string]RequestIDInfo{}
		}
		shown.RequestIDs[id] = RequestIDInfo{
			EventType: enumName(request.GetEventType()), EventID: request.GetEventId(), Buffered: request.GetBuffered(),
		}
	}
}

func execution(e *common.WorkflowExecution) *WorkflowExecution {
	if e.GetWorkflowId() == "" {
		return nil
	}
	return &WorkflowExecution{WorkflowID: e.GetWorkflowId(), RunID: e.GetRunId()}
}

func shownPriority(p *common.Priority) *Priority {
	if p.GetPriorityKey() == 0 && p.GetFairnessKey() == "" && p.GetFairnessWeight() == 0 {
		return nil
	}
	shown := &Priority{FairnessKey: p.GetFairnessKey()}
	if key := p.GetPriorityKey(); key != 0 {
		shown.PriorityKey = &key
	}
	if weight := p.GetFairnessWeight(); weight != 0 {
		shown.FairnessWeight = &weight
	}
	return shown
}

func versioning(info *workflow.WorkflowExecutionVersioningInfo) *WorkflowVersioning {
	if info == nil {
		return nil
	}
	shown := &WorkflowVersioning{
		Behavior: enumName(info.GetBehavior()), DeploymentVersion: version(info.GetDeploymentVersion()),
		RevisionNumber: info.GetRevisionNumber(),
	}
	if transition := info.GetVersionTransition(); transition != nil {
		shown.Transition = &VersionTransition{DeploymentVersion: version(transition.GetDeploymentVersion())}
	}
	switch override := info.GetVersioningOverride().GetOverride().(type) {
	case *workflow.VersioningOverride_Pinned:
		shown.Override = &VersioningOverrideState{Behavior: "PINNED", PinnedVersion: version(override.Pinned.GetVersion())}
	case *workflow.VersioningOverride_AutoUpgrade:
		shown.Override = &VersioningOverrideState{Behavior: "AUTO_UPGRADE"}
	default:
	}
	return shown
}

func version(v *deployment.WorkerDeploymentVersion) *DeploymentVersion {
	if v == nil {
		return nil
	}
	return &DeploymentVersion{DeploymentName: v.GetDeploymentName(), BuildID: v.GetBuildId()}
}
