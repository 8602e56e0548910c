package handlers

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// StartWorkflow is the SDK's start_workflow, and execute_workflow with wait.
func (a *API) StartWorkflow(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "startWorkflow", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName,
	}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, req *operation.Request, params *openapi.StartWorkflowParams, body *openapi.StartWorkflowRequest) (*operation.Response, error) {
		wait, err := req.AcquireRequestedWait(params.Wait)
		if err != nil {
			return nil, err
		}
		if err := operation.CheckFailureStatus(params.FailureStatus); err != nil {
			return nil, err
		}
		started, err := a.start(ctx, req, body)
		if err != nil {
			return nil, err
		}
		if wait > 0 {
			return a.awaitOutcome(ctx, req, outcomeQuery{
				workflowID: started.WorkflowID, runID: started.RunID, firstExecutionRunID: started.FirstExecutionRunID,
				wait: wait, followRuns: params.FollowRuns == nil || *params.FollowRuns, followReset: params.FollowReset != nil && *params.FollowReset,
				failureStatus: params.FailureStatus,
			})
		}
		response := operation.Created(started, convert.WorkflowPath(namespace, started.WorkflowID, started.RunID))
		if !started.Started {
			response.Status = http.StatusOK
		}
		return response, nil
	})
}

// start makes the call that the request asks for: a start, or a signal with
// start.
func (a *API) start(ctx context.Context, req *operation.Request, body *openapi.StartWorkflowRequest) (*openapi.StartedWorkflow, error) {
	s, err := req.Stamp(body.WorkflowID)
	if err != nil {
		return nil, err
	}
	request, err := convert.StartRequest(s, body)
	if err != nil {
		return nil, err
	}
	started, err := req.RepeatedStart(ctx, request, body.StartSignal != "")
	switch {
	case started != nil || err != nil:
		return started, err
	case body.StartSignal != "":
		return a.signalWithStart(ctx, body, request)
	default:
		started, err = a.startAlone(ctx, request)
		return started, operation.WithKeyReuse(err, body.WorkflowID, request.GetRequestId())
	}
}

// startAlone starts the workflow, without a signal.
func (a *API) startAlone(ctx context.Context, request *workflowservice.StartWorkflowExecutionRequest) (*openapi.StartedWorkflow, error) {
	answer := &workflowservice.StartWorkflowExecutionResponse{}
	err := a.options.Upstream.Do(ctx, workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName, request, answer)
	if err != nil {
		return nil, operation.WithWorkflowID(err, request.GetWorkflowId())
	}
	started := &openapi.StartedWorkflow{
		WorkflowID: request.GetWorkflowId(), RunID: answer.GetRunId(), Started: answer.GetStarted(),
		FirstExecutionRunID: answer.GetFirstExecutionRunId(),
	}
	if started.Started && started.FirstExecutionRunID == "" {
		started.FirstExecutionRunID = started.RunID // older servers do not say
	}
	return started, nil
}

// signalWithStart does not claim a first run that the server does not tell:
// the signal may have gone to any run of a chain.
func (a *API) signalWithStart(
	ctx context.Context, body *openapi.StartWorkflowRequest, start *workflowservice.StartWorkflowExecutionRequest,
) (*openapi.StartedWorkflow, error) {
	request, err := convert.SignalWithStartRequest(body, start)
	if err != nil {
		return nil, err
	}
	answer := &workflowservice.SignalWithStartWorkflowExecutionResponse{}
	err = a.options.Upstream.Do(ctx, workflowservice.WorkflowService_SignalWithStartWorkflowExecution_FullMethodName, request, answer)
	if err != nil {
		return nil, operation.WithWorkflowID(err, body.WorkflowID)
	}
	return &openapi.StartedWorkflow{
		WorkflowID: body.WorkflowID, RunID: answer.GetRunId(), Started: answer.GetStarted(),
		FirstExecutionRunID: answer.GetFirstExecutionRunId(),
	}, nil
}
