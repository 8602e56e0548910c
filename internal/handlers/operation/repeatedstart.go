package operation

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
)

// RepeatedStart returns the start of a run that the same Idempotency-Key has started
// before, or nil. The server deduplicates request ids on the current run only: it
// would reject a repeated start once the run has a successor, and would start a closed
// workflow again, as it does for a signal with start. The first run of the chain has
// the request id. Of the errors of its description, only not found lets the start
// proceed, so that a key never starts a second run by mistake. If the key has started
// the run with another body, the request is rejected, whatever the id policies are.
// Signals is set for a start that also sends a message: the server does not
// deduplicate that either.
func (req *Request) RepeatedStart(
	ctx context.Context, start *workflowservice.StartWorkflowExecutionRequest, signals bool,
) (*openapi.StartedWorkflow, error) {
	if !req.HasIdempotencyKey() {
		return nil, nil //nolint:nilnil // nothing to repeat
	}
	id := start.GetWorkflowId()
	run, err := req.describeRun(ctx, id, "")
	if err != nil || run == nil {
		return nil, err
	}
	firstRun := run.GetWorkflowExecutionInfo().GetFirstRunId()
	if firstRun == "" {
		return nil, nil //nolint:nilnil // an older server, which does not return it
	}
	current := firstRun == run.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	if !current {
		if run, err = req.describeRun(ctx, id, firstRun); err != nil {
			return nil, err
		}
	}
	if reusedIn(run.GetWorkflowExtendedInfo(), start.GetRequestId()) {
		return nil, keyReused(id, firstRun)
	}
	if current && !signals {
		return nil, nil //nolint:nilnil // the server deduplicates it
	}
	if _, same := run.GetWorkflowExtendedInfo().GetRequestIdInfos()[start.GetRequestId()]; !same {
		return nil, nil //nolint:nilnil // started by another request
	}
	return &openapi.StartedWorkflow{WorkflowID: id, RunID: firstRun, FirstExecutionRunID: firstRun, Started: true}, nil
}

// describeRun returns the description of a run, or nil if there is no such run.
func (req *Request) describeRun(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	response, err := longpoll.DescribeRun(ctx, req.adapter.Upstream, workflowID, runID)
	if problem.Is(err, problem.WorkflowNotFound) {
		return nil, nil //nolint:nilnil // see above
	}
	if err != nil {
		return nil, WithWorkflowID(err, workflowID)
	}
	return response, nil
}

// reusedIn reports whether a run has the request id of the same key with another body.
func reusedIn(run *workflow.WorkflowExecutionExtendedInfo, requestID string) bool {
	for known := range run.GetRequestIdInfos() {
		if reuses(known, requestID) {
			return true
		}
	}
	return false
}

// reuses reports whether two request ids differ in the second half only. A UUID, which
// a request without a key has, contains dashes too, at other positions.
func reuses(known, requestID string) bool {
	key, _, _ := strings.Cut(requestID, "-")
	before, _, _ := strings.Cut(known, "-")
	return before == key && len(known) == len(requestID) && len(key) == hex.EncodedLen(digestBytes) && known != requestID
}

// WithKeyReuse replaces the server's rejection of a start by one of the gateway if the
// same key has started the existing run with another body.
func WithKeyReuse(err error, workflowID, requestID string) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil {
		return err
	}
	for _, detail := range e.Upstream.Details() {
		already, is := detail.(*errordetails.WorkflowExecutionAlreadyStartedFailure)
		if is && reuses(already.GetStartRequestId(), requestID) {
			return keyReused(workflowID, already.GetRunId())
		}
	}
	return err
}

// keyReused returns the problem of a key that was sent with another body.
func keyReused(workflowID, runID string) error {
	e := problem.New(problem.IdempotencyKeyReused, "The Idempotency-Key has started this workflow with another request body.")
	e.Members.WorkflowID, e.Members.RunID = workflowID, runID
	return e
}
