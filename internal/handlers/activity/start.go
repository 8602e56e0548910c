package activity

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
)

// StartActivity is the SDK's start_activity and, if the caller requests a wait,
// execute_activity.
func (s *Service) StartActivity(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "startActivity", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_StartActivityExecution_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.StartActivityParams, body *openapi.StartActivityRequest,
	) (*operation.Response, error) {
		wait, err := req.AcquireRequestedWait(params.Wait)
		if err != nil {
			return nil, err
		}
		if wait > 0 {
			if err := req.AuthorizeCall(workflowservice.WorkflowService_PollActivityExecution_FullMethodName); err != nil {
				return nil, err
			}
		}
		stamp, err := req.Stamp(body.ActivityID)
		if err != nil {
			return nil, err
		}
		request, err := convert.StartActivityRequest(stamp, body)
		if err != nil {
			return nil, err
		}
		response := &workflowservice.StartActivityExecutionResponse{}
		if err := s.upstream.Do(ctx, spec.Method, request, response); err != nil {
			return nil, err
		}
		started := &openapi.StartedActivity{ActivityID: body.ActivityID, RunID: response.GetRunId(), Started: response.GetStarted()}
		if wait > 0 {
			outcome, err := s.outcome(ctx, req, longpoll.ActivityKey{ActivityID: started.ActivityID, RunID: started.RunID}, wait)
			if err != nil {
				return nil, err
			}
			started.Status, started.Result, started.ResultPayload = outcome.Status, outcome.Result, outcome.ResultPayload
			started.Failure, started.RetryState = outcome.Failure, outcome.RetryState
			return outcomeResponse(namespace, outcome, started), nil
		}
		created := operation.Created(started, pathOf(namespace, started.ActivityID, started.RunID, ""))
		if !started.Started {
			created.Status = http.StatusOK
		}
		return created, nil
	})
}
