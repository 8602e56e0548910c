package update

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
func (s *Service) UpdateWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "updateWorkflow", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_UpdateWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID}, RPCChecksChain: true,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.UpdateWorkflowParams, body *openapi.UpdateRequest,
	) (*operation.Response, error) {
		execution := req.Execution
		stamp, err := req.StampWrite(body.Update)
		if err != nil {
			return nil, err
		}
		var v convert.Validation
		request := updateRequest(&v, "", stamp, body, execution)
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
		u := s.newCall(ctx, execution, request.GetRequest().GetMeta().GetUpdateId())
		u.send = u.sendUpdate(request)
		if err := s.awaitRequestedStage(ctx, req, u, wait, body); err != nil {
			return nil, u.withIDs(err)
		}
		rendered, err := u.render(ctx)
		if err != nil {
			return nil, u.withIDs(err)
		}
		return updateResponse(namespace, rendered, rendered, params.FailureStatus), nil
	})
}

// GetWorkflowUpdate is the SDK's get_update_handle().result.
func (s *Service) GetWorkflowUpdate(w http.ResponseWriter, r *http.Request, namespace, workflowID, updateID string) {
	spec := operation.Spec{
		Name: "getWorkflowUpdate", Namespace: namespace,
		Method: workflowservice.WorkflowService_PollWorkflowExecutionUpdate_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.GetWorkflowUpdateParams, _ *operation.None,
	) (*operation.Response, error) {
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
		u := s.newCall(ctx, req.Execution, updateID)
		if err := u.refresh(ctx); err != nil {
			return nil, u.withIDs(err)
		}
		if wait > 0 {
			if err := s.awaitStage(ctx, req, u, wait, stageCompleted); err != nil {
				return nil, u.withIDs(err)
			}
		}
		rendered, err := u.render(ctx)
		if err != nil {
			return nil, u.withIDs(err)
		}
		return updateResponse(namespace, rendered, rendered, params.FailureStatus), nil
	})
}

// updateRequest returns the request that an SDK would send, except that it waits for
// acceptance only, so that the gateway knows whether the update was persisted whenever
// the wait ends. The response contains the outcome if the update has completed by then.
func updateRequest(
	v *convert.Validation, pointer string, stamp convert.Stamp, body *openapi.UpdateRequest, execution *common.WorkflowExecution,
) *workflowservice.UpdateWorkflowExecutionRequest {
	v.Require(pointer+"/update", body.Update)
	updateID := stamp.RequestID
	if body.UpdateID != "" {
		v.CheckID(pointer+"/updateId", body.UpdateID)
		updateID = body.UpdateID
	}
	if body.WaitForStage != "" && !body.WaitForStage.Valid() {
		v.Add(pointer+"/waitForStage", "must be ACCEPTED or COMPLETED")
	}
	return &workflowservice.UpdateWorkflowExecutionRequest{
		Namespace: stamp.Namespace, WorkflowExecution: execution,
		WaitPolicy: &update.WaitPolicy{LifecycleStage: stageAccepted},
		Request: &update.Request{
			Meta: &update.Meta{UpdateId: updateID, Identity: stamp.Identity},
			Input: &update.Input{
				Name: body.Update, Header: stamp.Header, Args: v.Payloads(pointer+"/args", body.Args, pointer+"/argPayloads", body.ArgPayloads),
			},
		},
	}
}

// wantedStage returns the stage that the caller requests to wait for.
func wantedStage(r *openapi.UpdateRequest) enums.UpdateWorkflowExecutionLifecycleStage {
	if r.WaitForStage == openapi.UpdateStageAccepted {
		return stageAccepted
	}
	return stageCompleted
}

// awaitRequestedStage waits for the stage that the caller requests, and returns an error
// if no worker accepts the update.
func (s *Service) awaitRequestedStage(ctx context.Context, req *operation.Request, u *updateCall, wait time.Duration, body *openapi.UpdateRequest) error {
	if err := s.awaitStage(ctx, req, u, wait, wantedStage(body)); err != nil {
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

// updateResponse returns the response with body, which contains the update. A failure of
// the update is data, so the status is 200 unless the caller sends failureStatus.
func updateResponse(namespace string, rendered *openapi.WorkflowUpdate, body any, failureStatus *int) *operation.Response {
	switch {
	case rendered.Status == "":
		query := url.Values{}
		if failureStatus != nil {
			query.Set("failureStatus", strconv.Itoa(*failureStatus))
		}
		return operation.Accepted(body, convert.UpdatePath(namespace, rendered.WorkflowID, rendered.RunID, rendered.UpdateID, query))
	case rendered.Failure != nil && failureStatus != nil:
		return &operation.Response{Status: *failureStatus, Body: body}
	default:
		return operation.OK(body)
	}
}
