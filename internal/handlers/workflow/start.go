package workflow

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// StartWorkflow is the SDK's start_workflow and, if the caller requests a wait,
// execute_workflow.
func (s *Service) StartWorkflow(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "startWorkflow", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.StartWorkflowParams, body *openapi.StartWorkflowRequest,
	) (*operation.Response, error) {
		wait, err := req.AcquireRequestedWait(params.Wait)
		if err != nil {
			return nil, err
		}
		if wait > 0 { // before the start, because the outcome is read from the history
			if err := req.AuthorizeCall(workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName); err != nil {
				return nil, err
			}
		}
		if err := operation.CheckFailureStatus(params.FailureStatus); err != nil {
			return nil, err
		}
		started, err := s.start(ctx, req, body)
		if err != nil {
			return nil, err
		}
		if wait > 0 {
			want := outcomeQuery{
				workflowID: started.WorkflowID, runID: started.RunID, firstExecutionRunID: started.FirstExecutionRunID,
				wait: wait, followRuns: params.FollowRuns == nil || *params.FollowRuns, followReset: params.FollowReset != nil && *params.FollowReset,
				failureStatus: params.FailureStatus,
			}
			outcome, err := s.outcome(ctx, req, want)
			if err != nil {
				return nil, err
			}
			return outcomeResponse(namespace, outcome, startedWithOutcome(started.Started, outcome), want), nil
		}
		response := operation.Created(started, convert.WorkflowPath(namespace, started.WorkflowID, started.RunID))
		if !started.Started {
			response.Status = http.StatusOK
		}
		return response, nil
	})
}

// startedWithOutcome returns the body of the response to a start that waits. It has the
// same type as that to a start that does not wait, so that generated clients have one.
func startedWithOutcome(started bool, o *openapi.Outcome) *openapi.StartedWorkflow {
	return &openapi.StartedWorkflow{
		WorkflowID: o.WorkflowID, RunID: o.RunID, FirstExecutionRunID: o.FirstExecutionRunID, Started: started,
		Status: o.Status, Result: o.Result, ResultPayload: o.ResultPayload, Failure: o.Failure, NewRunID: o.NewRunID,
	}
}

// start starts the workflow, with a signal if the request has one. If the same
// Idempotency-Key has already started a run, start returns that run.
func (s *Service) start(ctx context.Context, req *operation.Request, body *openapi.StartWorkflowRequest) (*openapi.StartedWorkflow, error) {
	stamp, err := req.Stamp(body.WorkflowID)
	if err != nil {
		return nil, err
	}
	request, err := convert.StartRequest(stamp, body)
	if err != nil {
		return nil, err
	}
	started, err := req.RepeatedStart(ctx, request, body.StartSignal != "")
	switch {
	case started != nil || err != nil:
		return started, err
	case body.StartSignal != "":
		started, err = s.signalWithStart(ctx, body, request)
	default:
		started, err = s.startAlone(ctx, request)
		err = operation.WithKeyReuse(err, body.WorkflowID, request.GetRequestId())
	}
	return started, operation.WithInvalidSearchAttribute(err, "/searchAttributes", body.SearchAttributes)
}

// startAlone starts the workflow without a signal.
func (s *Service) startAlone(ctx context.Context, request *workflowservice.StartWorkflowExecutionRequest) (*openapi.StartedWorkflow, error) {
	response := &workflowservice.StartWorkflowExecutionResponse{}
	err := s.upstream.Do(ctx, workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName, request, response)
	if err != nil {
		return nil, operation.WithWorkflowID(err, request.GetWorkflowId())
	}
	started := &openapi.StartedWorkflow{
		WorkflowID: request.GetWorkflowId(), RunID: response.GetRunId(), Started: response.GetStarted(),
		FirstExecutionRunID: response.GetFirstExecutionRunId(),
	}
	if started.Started && started.FirstExecutionRunID == "" {
		started.FirstExecutionRunID = started.RunID // older servers do not return it
	}
	return started, nil
}

// signalWithStart starts the workflow if necessary, and signals it. It returns the id of
// the first run only if the server does, because the signalled run may be any run of a
// chain.
func (s *Service) signalWithStart(
	ctx context.Context, body *openapi.StartWorkflowRequest, start *workflowservice.StartWorkflowExecutionRequest,
) (*openapi.StartedWorkflow, error) {
	request, err := convert.SignalWithStartRequest(body, start)
	if err != nil {
		return nil, err
	}
	response := &workflowservice.SignalWithStartWorkflowExecutionResponse{}
	err = s.upstream.Do(ctx, workflowservice.WorkflowService_SignalWithStartWorkflowExecution_FullMethodName, request, response)
	if err != nil {
		return nil, operation.WithWorkflowID(err, body.WorkflowID)
	}
	return &openapi.StartedWorkflow{
		WorkflowID: body.WorkflowID, RunID: response.GetRunId(), Started: response.GetStarted(),
		FirstExecutionRunID: response.GetFirstExecutionRunId(),
	}, nil
}
