package handlers

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"
)

// StartWorkflow is the SDK's start_workflow, and execute_workflow with wait.
func (a *API) StartWorkflow(w http.ResponseWriter, r *http.Request, namespace string, params StartWorkflowParams) {
	op := operation{
		name: "startWorkflow", namespace: namespace, params: params, body: bodyRequired,
		method: workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName,
	}
	serve(a, w, r, op, func(ctx context.Context, c *call, body *StartWorkflowRequest) (*answer, error) {
		wait, err := a.waitOf(c, params.Wait)
		if err != nil {
			return nil, err
		}
		started, err := a.start(ctx, c, body)
		if err != nil {
			return nil, err
		}
		if wait > 0 {
			return a.awaitOutcome(ctx, c, awaited{
				workflowID: started.WorkflowID, runID: started.RunID, firstExecutionRunID: started.FirstExecutionRunID,
				wait: wait, followRuns: params.FollowRuns == nil || *params.FollowRuns, failureStatus: params.FailureStatus,
			})
		}
		status := http.StatusCreated
		if !started.Started {
			status = http.StatusOK
		}
		return &answer{
			status: status, body: started,
			location: workflowPath(namespace, started.WorkflowID, "", started.RunID),
		}, nil
	})
}

// start makes the call that the request asks for: a start, or a signal with
// start.
func (a *API) start(ctx context.Context, c *call, body *StartWorkflowRequest) (*StartedWorkflow, error) {
	request, err := startRequest(c, body)
	if err != nil {
		return nil, err
	}
	if body.StartSignal != "" {
		return a.signalWithStart(ctx, body, request)
	}
	answer := &workflowservice.StartWorkflowExecutionResponse{}
	err = a.options.Upstream.Do(ctx, workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName, request, answer)
	if err != nil {
		return nil, aboutWorkflow(err, body.WorkflowID)
	}
	started := &StartedWorkflow{
		WorkflowID: body.WorkflowID, RunID: answer.GetRunId(), Started: answer.GetStarted(),
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
	ctx context.Context, body *StartWorkflowRequest, start *workflowservice.StartWorkflowExecutionRequest,
) (*StartedWorkflow, error) {
	request, err := signalWithStartRequest(body, start)
	if err != nil {
		return nil, err
	}
	answer := &workflowservice.SignalWithStartWorkflowExecutionResponse{}
	err = a.options.Upstream.Do(ctx, workflowservice.WorkflowService_SignalWithStartWorkflowExecution_FullMethodName, request, answer)
	if err != nil {
		return nil, aboutWorkflow(err, body.WorkflowID)
	}
	return &StartedWorkflow{
		WorkflowID: body.WorkflowID, RunID: answer.GetRunId(), Started: answer.GetStarted(),
		FirstExecutionRunID: answer.GetFirstExecutionRunId(),
	}, nil
}
