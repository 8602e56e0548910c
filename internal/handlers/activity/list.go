package activity

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// ListActivities is the SDK's list_activities: a page as JSON, or every activity as NDJSON.
func (s *Service) ListActivities(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "listActivities", Namespace: namespace, MediaTypes: []string{operation.JSON, operation.NDJSON},
		Method: workflowservice.WorkflowService_ListActivityExecutions_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.ListActivitiesParams, _ *operation.None,
	) (*operation.Response, error) {
		list, err := req.NewPages(operation.Paging{PageSize: params.PageSize, PageToken: params.PageToken, Limit: params.Limit}, params.Query)
		if err != nil {
			return nil, err
		}
		list.View, list.LineView = s.views.list, s.views.summary
		list.Split = operation.SplitList
		list.Fetch = func(ctx context.Context, token []byte, size int32) (upstream.Response, error) {
			page, err := s.upstream.Call(ctx, spec.Method, &workflowservice.ListActivityExecutionsRequest{
				Namespace: namespace, Query: params.Query, NextPageToken: token, PageSize: size,
			})
			return page, operation.WithInvalidQuery(err, "?query")
		}
		return list.Respond(ctx)
	})
}

// CountActivities is the SDK's count_activities, with groups.
func (s *Service) CountActivities(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "countActivities", Namespace: namespace,
		Method: workflowservice.WorkflowService_CountActivityExecutions_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, params *openapi.CountActivitiesParams, _ *operation.None,
	) (*operation.Response, error) {
		response := &workflowservice.CountActivityExecutionsResponse{}
		err := s.upstream.Do(ctx, spec.Method, &workflowservice.CountActivityExecutionsRequest{Namespace: namespace, Query: params.Query}, response)
		if err != nil {
			return nil, operation.WithInvalidQuery(err, "?query")
		}
		body, err := operation.Count(response.GetCount(), response.GetGroups())
		if err != nil {
			return nil, err
		}
		return operation.OK(body), nil
	})
}

// DescribeActivity is the SDK's ActivityHandle.describe.
func (s *Service) DescribeActivity(w http.ResponseWriter, r *http.Request, namespace, activityID string) {
	spec := operation.Spec{
		Name: "describeActivity", Namespace: namespace,
		Method: workflowservice.WorkflowService_DescribeActivityExecution_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.DescribeActivityParams, _ *operation.None,
	) (*operation.Response, error) {
		key, err := keyOf(activityID, params.ActivityID, params.RunID)
		if err != nil {
			return nil, err
		}
		response, err := s.upstream.Call(ctx, spec.Method, &workflowservice.DescribeActivityExecutionRequest{
			Namespace: namespace, ActivityId: key.ActivityID, RunId: key.RunID,
			IncludeInput: true, IncludeHeartbeatDetails: true, IncludeLastFailure: true,
		})
		if err != nil {
			return nil, err
		}
		defer response.Release()
		return req.RenderView(ctx, s.views.description, response.Bytes(), transcode.Options{}, nil)
	})
}
