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

// resetPoint returns the event to reset to. If it has to look the event up, it also
// returns the first run of the chain, and pins the execution to the run of the event:
// by the time of the reset the workflow id may mean another run.
func (s *Service) resetPoint(
	ctx context.Context, execution *common.WorkflowExecution, body *openapi.ResetRequest,
) (point int64, firstRunID string, err error) {
	if body.EventID != nil {
		return *body.EventID, "", nil
	}
	run, err := longpoll.DescribeRun(ctx, s.upstream, execution.GetWorkflowId(), execution.GetRunId())
	if err != nil {
		return 0, "", err
	}
	info := run.GetWorkflowExecutionInfo()
	execution.RunId = info.GetExecution().GetRunId()
	if body.BuildID == "" {
		point, err = s.workflowTask(ctx, execution, body.ResetType == openapi.ResetTypeLastWorkflowTask)
		return point, info.GetFirstRunId(), err
	}
	for _, known := range info.GetAutoResetPoints().GetPoints() {
		if known.GetBuildId() == body.BuildID {
			execution.RunId = known.GetRunId()
			point, err = buildPoint(execution, known)
			return point, info.GetFirstRunId(), err
		}
	}
	return 0, "", cannotReset(execution, "No workflow task of the run was completed by this build.")
}

func buildPoint(execution *common.WorkflowExecution, point *workflow.ResetPointInfo) (int64, error) {
	if !point.GetResettable() {
		return 0, cannotReset(execution, "The workflow cannot be reset to before this build, for example because of a child workflow.")
	}
	if expires := point.GetExpireTime(); expires != nil && expires.AsTime().Before(time.Now()) {
		return 0, cannotReset(execution, "The run in which the build was first used is deleted.")
	}
	return point.GetFirstWorkflowTaskCompletedId(), nil
}

// workflowTask returns the event of the first or the last completed workflow task. A
// run without one is reset to a started one, as by the server's batches.
func (s *Service) workflowTask(ctx context.Context, execution *common.WorkflowExecution, last bool) (int64, error) {
	var started int64
	var token []byte
	for {
		events, next, err := s.eventsOf(ctx, execution, token, last)
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

// eventsOf returns a page of a run's history, from its beginning or from its end.
func (s *Service) eventsOf(
	ctx context.Context, execution *common.WorkflowExecution, token []byte, backwards bool,
) ([]*history.HistoryEvent, []byte, error) {
	const few = 50 // the event is next to the end at which the search begins
	namespace := upstream.CallFrom(ctx).Namespace
	if backwards {
		response := &workflowservice.GetWorkflowExecutionHistoryReverseResponse{}
		err := s.upstream.Do(ctx, workflowservice.WorkflowService_GetWorkflowExecutionHistoryReverse_FullMethodName,
			&workflowservice.GetWorkflowExecutionHistoryReverseRequest{
				Namespace: namespace, Execution: execution, MaximumPageSize: few, NextPageToken: token,
			}, response)
		return response.GetHistory().GetEvents(), response.GetNextPageToken(), err
	}
	response := &workflowservice.GetWorkflowExecutionHistoryResponse{}
	err := s.upstream.Do(ctx, workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		&workflowservice.GetWorkflowExecutionHistoryRequest{
			Namespace: namespace, Execution: execution, MaximumPageSize: few, NextPageToken: token,
		}, response)
	return response.GetHistory().GetEvents(), response.GetNextPageToken(), err
}

// cannotReset returns the problem of a run without the requested point.
func cannotReset(execution *common.WorkflowExecution, detail string) error {
	e := problem.New(problem.Conflict, detail)
	e.Members.WorkflowID, e.Members.RunID = execution.GetWorkflowId(), execution.GetRunId()
	return e
}
