package activity

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// CancelActivity is the SDK's ActivityHandle.cancel.
func (s *Service) CancelActivity(w http.ResponseWriter, r *http.Request, namespace, activityID string) { //nolint:dupl // the requests have no type in common
	spec := operation.Spec{
		Name: "cancelActivity", Namespace: namespace, Body: operation.BodyOptional,
		Method: workflowservice.WorkflowService_RequestCancelActivityExecution_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.CancelActivityParams, body *openapi.CancelActivityRequest,
	) (*operation.Response, error) {
		key, err := keyOf(activityID, params.ActivityID, params.RunID)
		if err != nil {
			return nil, err
		}
		stamp, err := req.Stamp(key.ActivityID, key.RunID)
		if err != nil {
			return nil, err
		}
		return s.callVoid(ctx, spec.Method, &workflowservice.RequestCancelActivityExecutionRequest{
			Namespace: namespace, ActivityId: key.ActivityID, RunId: key.RunID,
			Reason: body.Reason, Identity: stamp.Identity, RequestId: stamp.RequestID,
		})
	})
}

// TerminateActivity is the SDK's ActivityHandle.terminate.
func (s *Service) TerminateActivity(w http.ResponseWriter, r *http.Request, namespace, activityID string) { //nolint:dupl // the requests have no type in common
	spec := operation.Spec{
		Name: "terminateActivity", Namespace: namespace, Body: operation.BodyOptional,
		Method: workflowservice.WorkflowService_TerminateActivityExecution_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.TerminateActivityParams, body *openapi.TerminateActivityRequest,
	) (*operation.Response, error) {
		key, err := keyOf(activityID, params.ActivityID, params.RunID)
		if err != nil {
			return nil, err
		}
		stamp, err := req.Stamp(key.ActivityID, key.RunID)
		if err != nil {
			return nil, err
		}
		return s.callVoid(ctx, spec.Method, &workflowservice.TerminateActivityExecutionRequest{
			Namespace: namespace, ActivityId: key.ActivityID, RunId: key.RunID,
			Reason: body.Reason, Identity: stamp.Identity, RequestId: stamp.RequestID,
		})
	})
}
