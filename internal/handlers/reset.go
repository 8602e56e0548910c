package handlers

import (
	"context"
	"net/http"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// ResetWorkflow takes a workflow back to a point in its history.
func (a *API) ResetWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "resetWorkflow", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_ResetWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, req *operation.Request, _ *openapi.ResetWorkflowParams, body *openapi.ResetRequest) (*operation.Response, error) {
		execution := req.Execution
		s, err := req.StampWrite()
		if err != nil {
			return nil, err
		}
		var v convert.Validation
		exclude := checkResetRequest(&v, body)
		operations := v.PostReset("/updateOptions", body.UpdateOptions)
		if err := v.Err(); err != nil {
			return nil, err
		}
		point, firstRunID, err := a.resetPoint(ctx, execution, body)
		if err != nil {
			return nil, operation.WithWorkflowID(err, execution.GetWorkflowId())
		}
		response := &workflowservice.ResetWorkflowExecutionResponse{}
		err = a.options.Upstream.Do(ctx, spec.Method, &workflowservice.ResetWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: execution, WorkflowTaskFinishEventId: point,
			ResetReapplyType:         enums.RESET_REAPPLY_TYPE_ALL_ELIGIBLE, //nolint:staticcheck // servers know no better way to say it
			ResetReapplyExcludeTypes: exclude, PostResetOperations: operations,
			Reason: body.Reason, Identity: req.Identity(), RequestId: s.RequestID,
		}, response)
		if err != nil {
			return nil, operation.WithWorkflowID(err, execution.GetWorkflowId())
		}
		return operation.OK(openapi.ResetWorkflow{
			WorkflowID: execution.GetWorkflowId(), RunID: response.GetRunId(), FirstExecutionRunID: firstRunID,
		}), nil
	})
}

// checkResetRequest validates a request, and returns which events are not reapplied.
func checkResetRequest(v *convert.Validation, body *openapi.ResetRequest) []enums.ResetReapplyExcludeType {
	named := 0
	for _, is := range []bool{body.EventID != nil, body.ResetType != "", body.BuildID != ""} {
		if is {
			named++
		}
	}
	if named != 1 {
		v.Add("", "must have exactly one of eventId, resetType and buildId")
	}
	if body.EventID != nil && *body.EventID < 1 {
		v.Add("/eventId", "must be at least 1")
	}
	v.ResetType("/resetType", body.ResetType)
	return v.ReapplyExclude("/reapplyExclude", body.ReapplyExclude)
}

// resetPoint gives the event to go back to. Where it has to be looked up, the
// first run of the chain is known too, and the execution is made to name the run
// in which it was found: by the time of the reset the id may mean another.
func (a *API) resetPoint(
	ctx context.Context, execution *common.WorkflowExecution, body *openapi.ResetRequest,
) (point int64, firstRunID string, err error) {
	if body.EventID != nil {
		return *body.EventID, "", nil
	}
	run, err := longpoll.DescribeRun(ctx, a.options.Upstream, execution.GetWorkflowId(), execution.GetRunId())
	if err != nil {
		return 0, "", err
	}
	info := run.GetWorkflowExecutionInfo()
	execution.RunId = info.GetExecution().GetRunId()
	if body.BuildID == "" {
		point, err = a.workflowTask(ctx, execution, body.ResetType == openapi.ResetTypeLastWorkflowTask)
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
		return 0, cannotReset(execution, "Something stands against a reset to before this build, such as a child workflow.")
	}
	if expires := point.GetExpireTime(); expires != nil && expires.AsTime().Before(time.Now()) {
		return 0, cannotReset(execution, "The run in which the build came in is deleted by now.")
	}
	return point.GetFirstWorkflowTaskCompletedId(), nil
}

// workflowTask finds the first or the last workflow task that was completed. In
// a run that has none it is the first that was begun, as for the server's own
// batches.
func (a *API) workflowTask(ctx context.Context, execution *common.WorkflowExecution, last bool) (int64, error) {
	var started int64
	var token []byte
	for {
		events, next, err := a.eventsOf(ctx, execution, token, last)
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
		return 0, cannotReset(execution, "No workflow task of the run has been begun.")
	}
	return started, nil
}

// eventsOf gives a page of a run's history, from its end or from its beginning.
func (a *API) eventsOf(
	ctx context.Context, execution *common.WorkflowExecution, token []byte, backwards bool,
) ([]*history.HistoryEvent, []byte, error) {
	const few = 50 // the event is next to the end at which the search begins
	namespace := upstream.CallFrom(ctx).Namespace
	if backwards {
		response := &workflowservice.GetWorkflowExecutionHistoryReverseResponse{}
		err := a.options.Upstream.Do(ctx, workflowservice.WorkflowService_GetWorkflowExecutionHistoryReverse_FullMethodName,
			&workflowservice.GetWorkflowExecutionHistoryReverseRequest{
				Namespace: namespace, Execution: execution, MaximumPageSize: few, NextPageToken: token,
			}, response)
		return response.GetHistory().GetEvents(), response.GetNextPageToken(), err
	}
	response := &workflowservice.GetWorkflowExecutionHistoryResponse{}
	err := a.options.Upstream.Do(ctx, workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		&workflowservice.GetWorkflowExecutionHistoryRequest{
			Namespace: namespace, Execution: execution, MaximumPageSize: few, NextPageToken: token,
		}, response)
	return response.GetHistory().GetEvents(), response.GetNextPageToken(), err
}

// cannotReset says why a run has no such point.
func cannotReset(execution *common.WorkflowExecution, why string) error {
	e := problem.New(problem.Conflict, why)
	e.Members.WorkflowID, e.Members.RunID = execution.GetWorkflowId(), execution.GetRunId()
	return e
}
