package handlers

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/upstream"
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
		if err := checkFailureStatus(params.FailureStatus); err != nil {
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
	if replay := a.replay(ctx, c, request); replay != nil {
		return replay, nil
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

// replay recognises a start that is repeated with its Idempotency-Key after its
// run got a successor. The server knows a request id on the current run alone:
// asked again, it would refuse the start of a chain that goes on, and start one
// anew that has ended. The chain's first run tells.
func (a *API) replay(ctx context.Context, c *call, request *workflowservice.StartWorkflowExecutionRequest) *StartedWorkflow {
	if c.request.Header.Get("Idempotency-Key") == "" {
		return nil
	}
	current := a.describe(ctx, request.GetWorkflowId(), "")
	firstRun := current.GetWorkflowExecutionInfo().GetFirstRunId()
	if firstRun == "" || firstRun == current.GetWorkflowExecutionInfo().GetExecution().GetRunId() {
		return nil // the server recognises it
	}
	origin := a.describe(ctx, request.GetWorkflowId(), firstRun)
	if _, ours := origin.GetWorkflowExtendedInfo().GetRequestIdInfos()[request.GetRequestId()]; !ours {
		return nil
	}
	return &StartedWorkflow{WorkflowID: request.GetWorkflowId(), RunID: firstRun, FirstExecutionRunID: firstRun, Started: true}
}

// describe gives what the server knows of a run, nil when it cannot tell.
func (a *API) describe(ctx context.Context, workflowID, runID string) *workflowservice.DescribeWorkflowExecutionResponse {
	response, err := describeRun(ctx, a.options.Upstream, upstream.CallFrom(ctx), workflowID, runID)
	if err != nil {
		return nil
	}
	return response
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
