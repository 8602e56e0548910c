package handlers

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
)

// StartWorkflow is the SDK's start_workflow, and execute_workflow with wait.
func (a *API) StartWorkflow(w http.ResponseWriter, r *http.Request, namespace string) {
	op := operation{
		name: "startWorkflow", namespace: namespace, body: bodyRequired,
		method: workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName,
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, params *openapi.StartWorkflowParams, body *openapi.StartWorkflowRequest) (*response, error) {
		wait, err := a.acquireWait(c, params.Wait)
		if err != nil {
			return nil, err
		}
		if err := checkFailureStatus(params.FailureStatus); err != nil {
			return nil, err
		}
		started, err := a.start(ctx, c, body)
		if err != nil {
			return nil, err
		}
		if wait > 0 {
			return a.awaitOutcome(ctx, c, outcomeQuery{
				workflowID: started.WorkflowID, runID: started.RunID, firstExecutionRunID: started.FirstExecutionRunID,
				wait: wait, followRuns: params.FollowRuns == nil || *params.FollowRuns, followReset: params.FollowReset != nil && *params.FollowReset,
				failureStatus: params.FailureStatus,
			})
		}
		status := http.StatusCreated
		if !started.Started {
			status = http.StatusOK
		}
		return &response{
			status: status, body: started,
			location: convert.WorkflowPath(namespace, started.WorkflowID, started.RunID),
		}, nil
	})
}

// start makes the call that the request asks for: a start, or a signal with
// start.
func (a *API) start(ctx context.Context, c *operationRequest, body *openapi.StartWorkflowRequest) (*openapi.StartedWorkflow, error) {
	s, err := c.stamp(body.WorkflowID)
	if err != nil {
		return nil, err
	}
	request, err := convert.StartRequest(s, body)
	if err != nil {
		return nil, err
	}
	started, err := a.findRepeatedStart(ctx, c, request, body.StartSignal != "")
	switch {
	case started != nil || err != nil:
		return started, err
	case body.StartSignal != "":
		return a.signalWithStart(ctx, body, request)
	default:
		started, err = a.startAlone(ctx, request)
		return started, reusedBy(err, body.WorkflowID, request.GetRequestId())
	}
}

// startAlone starts the workflow, without a signal.
func (a *API) startAlone(ctx context.Context, request *workflowservice.StartWorkflowExecutionRequest) (*openapi.StartedWorkflow, error) {
	answer := &workflowservice.StartWorkflowExecutionResponse{}
	err := a.options.Upstream.Do(ctx, workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName, request, answer)
	if err != nil {
		return nil, withWorkflowID(err, request.GetWorkflowId())
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

// findRepeatedStart recognises a start that is repeated with its Idempotency-Key after its
// run closed or got a successor. The server deduplicates request ids on the
// current run only: it would reject the repeated start of a running chain, and
// start a closed one again, as it does for a signal with start after the run has
// closed. The first run of the chain has the request id. Of the errors of its
// description, only not found lets the start proceed, so that a key never starts
// a second run by mistake. A run that the key started with another body is
// rejected, whatever the id policies are.
func (a *API) findRepeatedStart(
	ctx context.Context, c *operationRequest, start *workflowservice.StartWorkflowExecutionRequest, signals bool,
) (*openapi.StartedWorkflow, error) {
	if c.request.Header.Get(headerIdempotencyKey) == "" {
		return nil, nil //nolint:nilnil // nothing to recognise
	}
	id := start.GetWorkflowId()
	run, err := a.describe(ctx, id, "")
	if err != nil || run == nil {
		return nil, err
	}
	firstRun := run.GetWorkflowExecutionInfo().GetFirstRunId()
	if firstRun == "" {
		return nil, nil //nolint:nilnil // an older server, which does not say
	}
	current := firstRun == run.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	if !current {
		if run, err = a.describe(ctx, id, firstRun); err != nil {
			return nil, err
		}
	}
	if reusedIn(run.GetWorkflowExtendedInfo(), start.GetRequestId()) {
		return nil, keyReused(id, firstRun)
	}
	if current && !signals {
		return nil, nil //nolint:nilnil // the server recognises it
	}
	if _, ours := run.GetWorkflowExtendedInfo().GetRequestIdInfos()[start.GetRequestId()]; !ours {
		return nil, nil //nolint:nilnil // another's
	}
	return &openapi.StartedWorkflow{WorkflowID: id, RunID: firstRun, FirstExecutionRunID: firstRun, Started: true}, nil
}

// describe returns what the server knows of a run; nil when it knows none.
func (a *API) describe(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	response, err := longpoll.DescribeRun(ctx, a.options.Upstream, workflowID, runID)
	if problem.Is(err, problem.WorkflowNotFound) {
		return nil, nil //nolint:nilnil // see above
	}
	if err != nil {
		return nil, withWorkflowID(err, workflowID)
	}
	return response, nil
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
		return nil, withWorkflowID(err, body.WorkflowID)
	}
	return &openapi.StartedWorkflow{
		WorkflowID: body.WorkflowID, RunID: answer.GetRunId(), Started: answer.GetStarted(),
		FirstExecutionRunID: answer.GetFirstExecutionRunId(),
	}, nil
}
