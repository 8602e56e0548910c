package update

import (
	"context"
	"errors"
	"net/http"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
)

// UpdateWithStart is the SDK's start_update_with_start_workflow and
// execute_update_with_start_workflow.
func (s *Service) UpdateWithStart(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "updateWithStart", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_ExecuteMultiOperation_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.UpdateWithStartParams, body *openapi.UpdateWithStartRequest,
	) (*operation.Response, error) {
		start, update, err := updateWithStartRequests(req, body)
		if err != nil {
			return nil, err
		}
		if err := operation.CheckFailureStatus(params.FailureStatus); err != nil {
			return nil, err
		}
		wait, err := req.AcquireUpdateWait(params.Wait)
		if err != nil {
			return nil, err
		}
		u := s.newCall(ctx, update.GetWorkflowExecution(), update.GetRequest().GetMeta().GetUpdateId())
		started, err := req.RepeatedStart(ctx, start, true)
		if err != nil {
			return nil, u.withIDs(err)
		}
		if started != nil { // the same Idempotency-Key has started the run: only the update is left to send
			update.WorkflowExecution.RunId = started.RunID
			u.send = u.sendUpdate(update)
		} else {
			started = &openapi.StartedWorkflow{WorkflowID: start.GetWorkflowId()}
			u.send = u.sendWithStart(start, update, started)
		}
		if err := s.awaitRequestedStage(ctx, req, u, wait, &body.Update); err != nil {
			err = operation.WithKeyReuse(err, start.GetWorkflowId(), start.GetRequestId())
			return nil, u.withIDs(operation.WithInvalidSearchAttribute(err, "/start/searchAttributes", body.Start.SearchAttributes))
		}
		if !started.Started { // a concurrent request with the same Idempotency-Key may have started the run
			if replay, err := req.RepeatedStart(ctx, start, true); err == nil && replay != nil {
				started = replay
			}
		}
		if started.FirstExecutionRunID == "" { // the server does not return it for an existing run
			started.FirstExecutionRunID = s.firstRun(ctx, started)
		}
		rendered, err := u.render(ctx)
		if err != nil {
			return nil, u.withIDs(err)
		}
		return updateResponse(namespace, rendered, openapi.UpdatedWithStart{Start: *started, Update: *rendered}, params.FailureStatus), nil
	})
}

// firstRun returns the id of the first run in the chain. On an error it returns an empty
// string, because the update has been sent and the request must succeed.
func (s *Service) firstRun(ctx context.Context, started *openapi.StartedWorkflow) string {
	run, err := longpoll.DescribeRun(ctx, s.upstream, started.WorkflowID, started.RunID)
	if err != nil {
		return ""
	}
	return run.GetWorkflowExecutionInfo().GetFirstRunId()
}

// updateWithStartRequests returns the two operations. As in the SDKs, the conflict policy
// has no default, so that no caller uses another caller's workflow by mistake.
func updateWithStartRequests(
	req *operation.Request, body *openapi.UpdateWithStartRequest,
) (*workflowservice.StartWorkflowExecutionRequest, *workflowservice.UpdateWorkflowExecutionRequest, error) {
	startStamp, err := req.Stamp(body.Start.WorkflowID)
	if err != nil {
		return nil, nil, err
	}
	updateStamp, err := req.Stamp(body.Start.WorkflowID, body.Update.Update)
	if err != nil {
		return nil, nil, err
	}
	var v convert.Validation
	start, err := convert.StartRequest(startStamp, &body.Start)
	v.Merge("/start", err)
	if start.GetWorkflowIdConflictPolicy() == enums.WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED {
		v.Add("/start/idConflictPolicy", "is required: FAIL, USE_EXISTING or TERMINATE_EXISTING")
	}
	if body.Start.StartSignal != "" {
		v.Add("/start/startSignal", "must not be sent together with an update")
	}
	execution := &common.WorkflowExecution{WorkflowId: body.Start.WorkflowID}
	update := updateRequest(&v, "/update", updateStamp, &body.Update, execution)
	return start, update, v.Err()
}

// sendWithStart returns a function that starts the workflow if necessary and sends it the
// update, in one call. The function stores the run, and whether a call has started it,
// in started.
func (u *updateCall) sendWithStart(
	start *workflowservice.StartWorkflowExecutionRequest, update *workflowservice.UpdateWorkflowExecutionRequest, started *openapi.StartedWorkflow,
) func(context.Context) (longpoll.UpdateProgress, error) {
	request := &workflowservice.ExecuteMultiOperationRequest{
		Namespace: start.GetNamespace(),
		Operations: []*workflowservice.ExecuteMultiOperationRequest_Operation{
			{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_StartWorkflow{StartWorkflow: start}},
			{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_UpdateWorkflow{UpdateWorkflow: update}},
		},
	}
	return func(ctx context.Context) (longpoll.UpdateProgress, error) {
		response := &workflowservice.ExecuteMultiOperationResponse{}
		err := u.client.Do(ctx, workflowservice.WorkflowService_ExecuteMultiOperation_FullMethodName, request, response)
		if err != nil {
			return nil, firstFailure(err)
		}
		if len(response.GetResponses()) != len(request.GetOperations()) {
			return nil, problem.UnreadableResponse(nil)
		}
		startResponse := response.GetResponses()[0].GetStartWorkflow()
		started.RunID, started.Started = startResponse.GetRunId(), started.Started || startResponse.GetStarted()
		started.FirstExecutionRunID = startResponse.GetFirstExecutionRunId()
		if started.Started && started.FirstExecutionRunID == "" {
			started.FirstExecutionRunID = started.RunID // older servers do not return it
		}
		return response.GetResponses()[1].GetUpdateWorkflow(), nil
	}
}

// firstFailure returns the error of the operation that failed, if the server names it.
// The other operation was aborted because of it.
func firstFailure(err error) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil {
		return err
	}
	methods := []string{"StartWorkflowExecution", "UpdateWorkflowExecution"}
	for _, detail := range e.Upstream.Details() {
		failed, is := detail.(*errordetails.MultiOperationExecutionFailure)
		if !is || len(failed.GetStatuses()) != len(methods) {
			continue
		}
		for i, status := range failed.GetStatuses() {
			if codes.Code(status.GetCode()) == codes.OK || isAborted(status) { //nolint:gosec // a gRPC code
				continue
			}
			return problem.FromStatus(problem.OperationStatus(status), methods[i])
		}
	}
	return err
}

func isAborted(status *errordetails.MultiOperationExecutionFailure_OperationStatus) bool {
	details := status.GetDetails()
	return len(details) > 0 && details[0].MessageIs(&failure.MultiOperationExecutionAborted{})
}
