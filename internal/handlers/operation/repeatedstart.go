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
	"github.com/flowgate/flowgate/internal/upstream"
)

// RepeatedStart returns the run that the same Idempotency-Key has already started, or nil
// if start is to be sent. It is needed because the server deduplicates request ids only
// on the current run: once that run has a successor, the server rejects the repeated
// start or, if the workflow has closed, starts it again. RepeatedStart looks for the
// request id on the first run of the current chain. If it finds the request id, it marks
// the response as replayed, also if it returns nil because the server deduplicates start.
//
// If the key has started the run with another body, RepeatedStart returns an error,
// whatever the id policies are. It also returns every error of a lookup except not
// found, so that a key never starts a second run by mistake. SendsMessage is set for a
// start that also sends a signal or an update, which the server does not deduplicate
// even on the current run.
func (req *Request) RepeatedStart(
	ctx context.Context, start *workflowservice.StartWorkflowExecutionRequest, sendsMessage bool,
) (*openapi.StartedWorkflow, error) {
	if !req.HasIdempotencyKey() {
		return nil, nil //nolint:nilnil // without a key, no request is a repetition
	}
	id := start.GetWorkflowId()
	run, err := req.describeRun(ctx, id, "")
	if err != nil || run == nil {
		return nil, err
	}
	firstRun := run.GetWorkflowExecutionInfo().GetFirstRunId()
	if firstRun == "" {
		return nil, nil //nolint:nilnil // older servers do not return the first run id
	}
	firstIsCurrent := firstRun == run.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	if !firstIsCurrent {
		if run, err = req.describeRun(ctx, id, firstRun); err != nil {
			return nil, err
		}
	}
	if hasReusedKey(run.GetWorkflowExtendedInfo(), start.GetRequestId()) {
		return nil, keyReused(id, firstRun)
	}
	if _, same := run.GetWorkflowExtendedInfo().GetRequestIdInfos()[start.GetRequestId()]; !same {
		return nil, nil //nolint:nilnil // another request started the run
	}
	req.MarkReplayed()
	if firstIsCurrent && !sendsMessage {
		return nil, nil //nolint:nilnil // the server deduplicates the start
	}
	return &openapi.StartedWorkflow{WorkflowID: id, RunID: firstRun, FirstExecutionRunID: firstRun, Started: true}, nil
}

// describeRun returns the description of a run, or nil if there is no such run.
func (req *Request) describeRun(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	response, err := longpoll.DescribeRun(upstream.WithInternal(ctx), req.adapter.Upstream, workflowID, runID)
	if problem.Is(err, problem.WorkflowNotFound) {
		return nil, nil //nolint:nilnil // as documented
	}
	if err != nil {
		return nil, WithWorkflowID(err, workflowID)
	}
	return response, nil
}

// hasReusedKey reports whether the Idempotency-Key of requestID was sent to the run with
// another body.
func hasReusedKey(run *workflow.WorkflowExecutionExtendedInfo, requestID string) bool {
	for known := range run.GetRequestIdInfos() {
		if isReusedKey(known, requestID) {
			return true
		}
	}
	return false
}

// isReusedKey reports whether two request ids have the same key and different bodies. A
// UUID, the request id of a request without a key, has dashes at other positions.
func isReusedKey(known, requestID string) bool {
	key, _, _ := strings.Cut(requestID, "-")
	knownKey, _, _ := strings.Cut(known, "-")
	return knownKey == key && len(known) == len(requestID) && len(key) == hex.EncodedLen(digestBytes) && known != requestID
}

// WithKeyReuse replaces the server's error for a workflow that is already started with
// idempotency-key-reused, if the same key has started that run with another body.
func WithKeyReuse(err error, workflowID, requestID string) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil {
		return err
	}
	for _, detail := range e.Upstream.Details() {
		already, is := detail.(*errordetails.WorkflowExecutionAlreadyStartedFailure)
		if is && isReusedKey(already.GetStartRequestId(), requestID) {
			return keyReused(workflowID, already.GetRunId())
		}
	}
	return err
}

// keyReused returns the problem for a key that was sent with another body.
func keyReused(workflowID, runID string) error {
	e := problem.New(problem.IdempotencyKeyReused, "The Idempotency-Key has started this workflow with another request body.")
	e.Members.WorkflowID, e.Members.RunID = workflowID, runID
	return e
}
