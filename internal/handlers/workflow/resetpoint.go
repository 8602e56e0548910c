package workflow

import (
	"context"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// resetPoint returns the id of the event to reset to. If it has to look the event up, it
// also returns the id of the first run in the chain, and pins the execution to the run
// of the event, because the workflow id may belong to another run by the time of the
// reset.
func (s *Service) resetPoint(
	ctx context.Context, execution *common.WorkflowExecution, body *openapi.ResetRequest,
) (point int64, firstRunID string, err error) {
	if body.EventID != nil {
		return *body.EventID, "", nil
	}
	ctx = upstream.WithInternal(ctx)
	run, err := longpoll.DescribeRun(ctx, s.upstream, execution.GetWorkflowId(), execution.GetRunId())
	if err != nil {
		return 0, "", err
	}
	info := run.GetWorkflowExecutionInfo()
	execution.RunId = info.GetExecution().GetRunId()
	if body.BuildID == "" {
		point, err = s.findWorkflowTask(ctx, execution, body.ResetType == openapi.ResetTypeLastWorkflowTask)
		return point, info.GetFirstRunId(), err
	}
	for _, candidate := range info.GetAutoResetPoints().GetPoints() {
		if candidate.GetBuildId() == body.BuildID {
			execution.RunId = candidate.GetRunId()
			point, err = buildResetPoint(execution, candidate)
			return point, info.GetFirstRunId(), err
		}
	}
	return 0, "", cannotReset(execution, "No workflow task of the run was completed by this build.")
}

// buildResetPoint returns the id of the event with which a worker of the build first
// completed a workflow task, or an error if the run cannot be reset to it.
func buildResetPoint(execution *common.WorkflowExecution, point *workflow.ResetPointInfo) (int64, error) {
	if !point.GetResettable() {
		return 0, cannotReset(execution, "The workflow cannot be reset to before this build, for example because of a child workflow.")
	}
	if expires := point.GetExpireTime(); expires != nil && expires.AsTime().Before(time.Now()) {
		return 0, cannotReset(execution, "The run in which the build was first used is deleted.")
	}
	return point.GetFirstWorkflowTaskCompletedId(), nil
}

// findWorkflowTask returns the id of the first or the last event of a completed workflow
// task. If no task has completed, it returns that of a started one, as the server does
// for the resets of a batch job.
func (s *Service) findWorkflowTask(ctx context.Context, execution *common.WorkflowExecution, last bool) (int64, error) {
	var started int64
	var token []byte
	for {
		events, next, err := s.historyPage(ctx, execution, token, last)
		if err != nil {
			return 0, err
		}
		for _, event := range events {
			switch event.GetEventType() {
			case enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
				return event.GetEventId(), nil
			case enums.EVENT_TYPE_WORKFLOW_TASK_STARTED:
				if last || started == 0 {
					started = event.GetEventId()
				}
			default:
			}
		}
		if token = next; len(token) == 0 {
			break
		}
	}
	if started == 0 {
		return 0, cannotReset(execution, "No workflow task of the run has started.")
	}
	return started, nil
}

// historyPage returns a page of a run's events, from the beginning or, backwards, from
// the end.
func (s *Service) historyPage(
	ctx context.Context, execution *common.WorkflowExecution, token []byte, backwards bool,
) ([]*history.HistoryEvent, []byte, error) {
	const pageSize = 50 // the event is near the end at which the search begins
	namespace := upstream.OptionsFrom(ctx).Namespace
	if backwards {
		response := &workflowservice.GetWorkflowExecutionHistoryReverseResponse{}
		err := s.upstream.Do(ctx, workflowservice.WorkflowService_GetWorkflowExecutionHistoryReverse_FullMethodName,
			&workflowservice.GetWorkflowExecutionHistoryReverseRequest{
				Namespace: namespace, Execution: execution, MaximumPageSize: pageSize, NextPageToken: token,
			}, response)
		return response.GetHistory().GetEvents(), response.GetNextPageToken(), err
	}
	response := &workflowservice.GetWorkflowExecutionHistoryResponse{}
	err := s.upstream.Do(ctx, workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		&workflowservice.GetWorkflowExecutionHistoryRequest{
			Namespace: namespace, Execution: execution, MaximumPageSize: pageSize, NextPageToken: token,
		}, response)
	return response.GetHistory().GetEvents(), response.GetNextPageToken(), err
}

// cannotReset returns the problem for a run that cannot be reset to the requested point.
func cannotReset(execution *common.WorkflowExecution, detail string) error {
	e := problem.New(problem.Conflict, detail)
	e.Members.WorkflowID, e.Members.RunID = execution.GetWorkflowId(), execution.GetRunId()
	return e
}
