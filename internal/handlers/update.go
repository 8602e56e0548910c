package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/problem"
)

// UpdateWorkflow is the SDK's handle.start_update and execute_update.
func (a *API) UpdateWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "updateWorkflow", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_UpdateWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID}, ChecksChain: true,
	}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, req *operation.Request, params *openapi.UpdateWorkflowParams, body *openapi.UpdateRequest) (*operation.Response, error) {
		execution := req.Execution
		s, err := req.StampWrite(body.Update)
		if err != nil {
			return nil, err
		}
		var v convert.Validation
		request := updateRequest(&v, "", s, body, execution)
		request.FirstExecutionRunId = params.FirstExecutionRunID
		if err := v.Err(); err != nil {
			return nil, err
		}
		wait, err := req.AcquireUpdateWait(params.Wait)
		if err != nil {
			return nil, err
		}
		if err := operation.CheckFailureStatus(params.FailureStatus); err != nil {
			return nil, err
		}
		u := a.newUpdateCall(ctx, execution, request.GetRequest().GetMeta().GetUpdateId())
		u.send = u.sendUpdate(request)
		if err := a.awaitAccepted(ctx, req, u, wait, body); err != nil {
			return nil, u.withIDs(err)
		}
		shown, err := u.render(ctx)
		if err != nil {
			return nil, u.withIDs(err)
		}
		return updateResponse(namespace, shown, shown, params.FailureStatus), nil
	})
}

// GetWorkflowUpdate is the SDK's get_update_handle().result.
func (a *API) GetWorkflowUpdate(w http.ResponseWriter, r *http.Request, namespace, workflowID, updateID string) {
	spec := operation.Spec{
		Name: "getWorkflowUpdate", Namespace: namespace,
		Method: workflowservice.WorkflowService_PollWorkflowExecutionUpdate_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, req *operation.Request, params *openapi.GetWorkflowUpdateParams, _ *operation.None) (*operation.Response, error) {
		updateID, err := convert.ID("updateId", updateID, params.UpdateID)
		if err != nil {
			return nil, err
		}
		wait, err := req.AcquireRequestedWait(params.Wait)
		if err != nil {
			return nil, err
		}
		if err := operation.CheckFailureStatus(params.FailureStatus); err != nil {
			return nil, err
		}
		u := a.newUpdateCall(ctx, req.Execution, updateID)
		if err := u.refresh(ctx); err != nil {
			return nil, u.withIDs(err)
		}
		if wait > 0 {
			if err := a.awaitStage(ctx, req, u, wait, stageCompleted); err != nil {
				return nil, u.withIDs(err)
			}
		}
		shown, err := u.render(ctx)
		if err != nil {
			return nil, u.withIDs(err)
		}
		return updateResponse(namespace, shown, shown, params.FailureStatus), nil
	})
}

// updateRequest turns the request into what the SDK would send, but that it
// waits for the acceptance alone: then it is known, whenever the wait ends,
// whether the server keeps the update. The answer has the outcome all the same
// when there is one by then.
func updateRequest(
	v *convert.Validation, pointer string, s convert.Stamp, body *openapi.UpdateRequest, execution *common.WorkflowExecution,
) *workflowservice.UpdateWorkflowExecutionRequest {
	v.Require(pointer+"/update", body.Update)
	updateID := s.RequestID
	if body.UpdateID != "" {
		v.CheckID(pointer+"/updateId", body.UpdateID)
		updateID = body.UpdateID
	}
	if body.WaitForStage != "" && !body.WaitForStage.Valid() {
		v.Add(pointer+"/waitForStage", "must be ACCEPTED or COMPLETED")
	}
	return &workflowservice.UpdateWorkflowExecutionRequest{
		Namespace: s.Namespace, WorkflowExecution: execution,
		WaitPolicy: &update.WaitPolicy{LifecycleStage: stageAccepted},
		Request: &update.Request{
			Meta: &update.Meta{UpdateId: updateID, Identity: s.Identity},
			Input: &update.Input{
				Name: body.Update, Header: s.Header, Args: v.Payloads(pointer+"/args", body.Args, pointer+"/argPayloads", body.ArgPayloads),
			},
		},
	}
}

// wantedStage returns the stage that the caller waits for.
func wantedStage(r *openapi.UpdateRequest) enums.UpdateWorkflowExecutionLifecycleStage {
	if r.WaitForStage == openapi.UpdateStageAccepted {
		return stageAccepted
	}
	return stageCompleted
}

// awaitAccepted waits for the stage that the caller wants, and fails when none
// was reached.
func (a *API) awaitAccepted(ctx context.Context, req *operation.Request, u *updateCall, wait time.Duration, body *openapi.UpdateRequest) error {
	if err := a.awaitStage(ctx, req, u, wait, wantedStage(body)); err != nil {
		return err
	}
	if u.stage >= stageAccepted {
		return nil
	}
	e := problem.New(problem.UpdateNotAdmitted, "No worker has accepted the update. Sent again with its id it is the same update.")
	e.Members.WorkflowID, e.Members.RunID = u.ref.GetWorkflowExecution().GetWorkflowId(), u.ref.GetWorkflowExecution().GetRunId()
	e.Members.UpdateID = u.ref.GetUpdateId()
	return e
}

// updateResponse answers with an update, which body shows. Its outcome is data,
// and so 200, unless the caller asked for another status on failures.
func updateResponse(namespace string, shown *openapi.WorkflowUpdate, body any, failureStatus *int) *operation.Response {
	switch {
	case shown.Status == "":
		query := url.Values{}
		if failureStatus != nil {
			query.Set("failureStatus", strconv.Itoa(*failureStatus))
		}
		return operation.Accepted(body, convert.UpdatePath(namespace, shown.WorkflowID, shown.RunID, shown.UpdateID, query))
	case shown.Failure != nil && failureStatus != nil:
		return &operation.Response{Status: *failureStatus, Body: body}
	default:
		return operation.OK(body)
	}
}
