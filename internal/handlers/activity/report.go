package activity

import (
	"context"
	"net/http"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// HeartbeatActivity is the SDK's AsyncActivityHandle.heartbeat.
func (s *Service) HeartbeatActivity(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "heartbeatActivity", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_RecordActivityTaskHeartbeat_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *operation.None, body *openapi.HeartbeatActivityRequest,
	) (*operation.Response, error) {
		var v convert.Validation
		t := newTarget(&v, body.TaskToken, body.WorkflowID, body.RunID, body.ActivityID)
		details := v.Payloads("/details", body.Details, "/detailPayloads", body.DetailPayloads)
		if err := v.Err(); err != nil {
			return nil, err
		}
		state, err := s.heartbeat(ctx, req, t, details)
		if err != nil {
			return nil, t.addTo(err)
		}
		return operation.OK(openapi.ActivityHeartbeat{
			CancelRequested: state.GetCancelRequested(), ActivityPaused: state.GetActivityPaused(), ActivityReset: state.GetActivityReset(),
		}), nil
	})
}

// heartbeatState is the state that the responses to both heartbeat RPCs have.
type heartbeatState interface {
	GetCancelRequested() bool
	GetActivityPaused() bool
	GetActivityReset() bool
}

func (s *Service) heartbeat(ctx context.Context, req *operation.Request, t target, details *common.Payloads) (heartbeatState, error) {
	if t.taskToken != nil {
		state := &workflowservice.RecordActivityTaskHeartbeatResponse{}
		return state, s.upstream.Do(ctx, req.Method, &workflowservice.RecordActivityTaskHeartbeatRequest{
			TaskToken: t.taskToken, Details: details, Identity: req.Identity(), Namespace: req.Namespace,
		}, state)
	}
	state := &workflowservice.RecordActivityTaskHeartbeatByIdResponse{}
	return state, s.upstream.Do(ctx, workflowservice.WorkflowService_RecordActivityTaskHeartbeatById_FullMethodName,
		&workflowservice.RecordActivityTaskHeartbeatByIdRequest{
			WorkflowId: t.workflowID, RunId: t.runID, ActivityId: t.activityID,
			Details: details, Identity: req.Identity(), Namespace: req.Namespace,
		}, state)
}

// CompleteActivity is the SDK's AsyncActivityHandle.complete.
func (s *Service) CompleteActivity(w http.ResponseWriter, r *http.Request, namespace string) { //nolint:dupl // the requests have no type in common
	spec := reportSpec("completeActivity", namespace, workflowservice.WorkflowService_RespondActivityTaskCompleted_FullMethodName)
	serveReport(s, w, r, spec, func(v *convert.Validation, identity string, body *openapi.CompleteActivityRequest) report {
		t := newTarget(v, body.TaskToken, body.WorkflowID, body.RunID, body.ActivityID)
		result := v.Value("/result", body.Result, "/resultPayload", body.ResultPayload)
		return report{
			target: t,
			byToken: &workflowservice.RespondActivityTaskCompletedRequest{
				TaskToken: t.taskToken, Result: result, Identity: identity, Namespace: namespace,
			},
			methodByID: workflowservice.WorkflowService_RespondActivityTaskCompletedById_FullMethodName,
			byID: &workflowservice.RespondActivityTaskCompletedByIdRequest{
				WorkflowId: t.workflowID, RunId: t.runID, ActivityId: t.activityID, Result: result, Identity: identity, Namespace: namespace,
			},
		}
	})
}

// FailActivity is the SDK's AsyncActivityHandle.fail.
func (s *Service) FailActivity(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := reportSpec("failActivity", namespace, workflowservice.WorkflowService_RespondActivityTaskFailed_FullMethodName)
	serveReport(s, w, r, spec, func(v *convert.Validation, identity string, body *openapi.FailActivityRequest) report {
		t := newTarget(v, body.TaskToken, body.WorkflowID, body.RunID, body.ActivityID)
		failure := v.Failure("/failure", &body.Failure)
		progress := v.Payloads("/lastHeartbeatDetails", body.LastHeartbeatDetails,
			"/lastHeartbeatDetailPayloads", body.LastHeartbeatDetailPayloads)
		return report{
			target: t,
			byToken: &workflowservice.RespondActivityTaskFailedRequest{
				TaskToken: t.taskToken, Failure: failure, LastHeartbeatDetails: progress, Identity: identity, Namespace: namespace,
			},
			methodByID: workflowservice.WorkflowService_RespondActivityTaskFailedById_FullMethodName,
			byID: &workflowservice.RespondActivityTaskFailedByIdRequest{
				WorkflowId: t.workflowID, RunId: t.runID, ActivityId: t.activityID,
				Failure: failure, LastHeartbeatDetails: progress, Identity: identity, Namespace: namespace,
			},
		}
	})
}

// ReportActivityCancellation is the SDK's AsyncActivityHandle.report_cancellation.
func (s *Service) ReportActivityCancellation(w http.ResponseWriter, r *http.Request, namespace string) { //nolint:dupl // the requests have no type in common
	spec := reportSpec("reportActivityCancellation", namespace, workflowservice.WorkflowService_RespondActivityTaskCanceled_FullMethodName)
	serveReport(s, w, r, spec, func(v *convert.Validation, identity string, body *openapi.ReportActivityCancellationRequest) report {
		t := newTarget(v, body.TaskToken, body.WorkflowID, body.RunID, body.ActivityID)
		details := v.Payloads("/details", body.Details, "/detailPayloads", body.DetailPayloads)
		return report{
			target: t,
			byToken: &workflowservice.RespondActivityTaskCanceledRequest{
				TaskToken: t.taskToken, Details: details, Identity: identity, Namespace: namespace,
			},
			methodByID: workflowservice.WorkflowService_RespondActivityTaskCanceledById_FullMethodName,
			byID: &workflowservice.RespondActivityTaskCanceledByIdRequest{
				WorkflowId: t.workflowID, RunId: t.runID, ActivityId: t.activityID, Details: details, Identity: identity, Namespace: namespace,
			},
		}
	})
}

// report is the end of an attempt: the request to send by task token, and the one to send by
// ids.
type report struct {
	target        target
	byToken, byID proto.Message
	methodByID    string
}

// reportSpec describes an operation that ends an attempt. The method is the one by task token.
func reportSpec(name, namespace, method string) operation.Spec {
	return operation.Spec{Name: name, Namespace: namespace, Body: operation.BodyRequired, Method: method}
}

// serveReport serves an operation that ends an attempt.
func serveReport[B any](s *Service, w http.ResponseWriter, r *http.Request, spec operation.Spec,
	newReport func(v *convert.Validation, identity string, body *B) report,
) {
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *operation.None, body *B,
	) (*operation.Response, error) {
		var v convert.Validation
		end := newReport(&v, req.Identity(), body)
		if err := v.Err(); err != nil {
			return nil, err
		}
		method, request := spec.Method, end.byToken
		if end.target.taskToken == nil {
			method, request = end.methodByID, end.byID
		}
		response, err := s.callVoid(ctx, method, request)
		return response, end.target.addTo(err)
	})
}
