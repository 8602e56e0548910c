package activity

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// GetActivityResult is the SDK's ActivityHandle.result.
func (s *Service) GetActivityResult(w http.ResponseWriter, r *http.Request, namespace, activityID string) {
	spec := operation.Spec{
		Name: "getActivityResult", Namespace: namespace,
		Method: workflowservice.WorkflowService_PollActivityExecution_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.GetActivityResultParams, _ *operation.None,
	) (*operation.Response, error) {
		key, err := keyOf(activityID, params.ActivityID, params.RunID)
		if err != nil {
			return nil, err
		}
		wait, err := req.AcquireRequestedWait(params.Wait)
		if err != nil {
			return nil, err
		}
		outcome, err := s.outcome(ctx, req, key, wait)
		if err != nil {
			return nil, err
		}
		return outcomeResponse(namespace, outcome, outcome), nil
	})
}

// outcome returns the outcome of an activity or, if it has not closed by the end of the wait,
// its status. It describes the activity first, which pins the run and shows that it exists.
func (s *Service) outcome(
	ctx context.Context, req *operation.Request, key longpoll.ActivityKey, wait time.Duration,
) (*openapi.ActivityOutcome, error) {
	until := time.Now().Add(wait)
	description, err := longpoll.DescribeActivity(ctx, s.upstream, key)
	if err != nil {
		return nil, err
	}
	key.RunID = description.GetInfo().GetRunId()
	if description.GetOutcome() == nil && wait > 0 {
		closed, err := s.waitUntilClosed(ctx, req, key, until)
		if err != nil {
			return nil, err
		}
		if closed != nil {
			description = closed
		}
	}
	return outcomeOf(key.ActivityID, description), nil
}

// waitUntilClosed waits in a shared poll. It returns nil if the wait ends before the activity
// has closed.
func (s *Service) waitUntilClosed(
	ctx context.Context, req *operation.Request, key longpoll.ActivityKey, until time.Time,
) (*longpoll.ActivityDescription, error) {
	waiting, end := context.WithDeadline(ctx, until)
	defer end()
	waiting, endDrain := s.drain.Context(waiting)
	defer endDrain()
	req.Release(ctx) // while it waits, the request holds only its wait slot
	closed, err := s.polls.Activities.Wait(waiting, key, upstream.OptionsFrom(ctx))
	switch {
	case err == nil:
		return closed, nil
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, upstream.Canceled(ctx, err)
	case waiting.Err() != nil || errors.Is(err, context.Canceled): // the wait is over, or the gateway is stopping
		return nil, nil //nolint:nilnil // as documented
	default:
		return nil, err
	}
}

// outcomeResponse returns the response with an outcome, which the body contains. The failure
// of an activity is data. If the activity has not closed, the response has the URL at which
// the wait continues.
func outcomeResponse(namespace string, outcome *openapi.ActivityOutcome, body any) *operation.Response {
	if isOpen(outcome.Status) {
		return operation.Accepted(body, pathOf(namespace, outcome.ActivityID, outcome.RunID, "/result"))
	}
	return operation.OK(body)
}

// isOpen reports whether an activity with this status can still close.
func isOpen(status string) bool { return status == "RUNNING" || status == "PAUSED" }

// keyOf validates the id and the run of an activity in a path and its query parameters.
func keyOf(segment, parameter, runID string) (longpoll.ActivityKey, error) {
	id, err := convert.ID("activityId", segment, parameter)
	if err == nil && runID != "" && !convert.IsRunID(runID) {
		err = problem.Invalid("?runId", "must be a UUID")
	}
	return longpoll.ActivityKey{ActivityID: id, RunID: runID}, err
}

// outcomeOf returns how an activity ended, or its status if it has not closed. The
// description includes the outcome.
func outcomeOf(activityID string, description *workflowservice.DescribeActivityExecutionResponse) *openapi.ActivityOutcome {
	rendered := &openapi.ActivityOutcome{
		ActivityID: activityID, RunID: description.GetInfo().GetRunId(), Status: convert.EnumName(description.GetInfo().GetStatus()),
		Failure:    convert.Failure(description.GetOutcome().GetFailure()),
		RetryState: convert.EnumName(description.GetOutcome().GetRetryState()),
	}
	rendered.Result, rendered.ResultPayload = convert.FirstPayload(description.GetOutcome().GetResult())
	return rendered
}
