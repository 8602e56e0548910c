package schedule

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/upstream"
)

// ListSchedules is the SDK's list_schedules: a page as JSON, or every schedule as NDJSON.
func (s *Service) ListSchedules(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "listSchedules", Namespace: namespace, MediaTypes: []string{operation.JSON, operation.NDJSON},
		Method: workflowservice.WorkflowService_ListSchedules_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.ListSchedulesParams, _ *operation.None,
	) (*operation.Response, error) {
		list, err := req.NewPages(operation.Paging{PageSize: params.PageSize, PageToken: params.PageToken, Limit: params.Limit}, params.Query)
		if err != nil {
			return nil, err
		}
		list.View, list.LineView = s.views.list, s.views.item
		list.Split = operation.SplitList
		list.Fetch = func(ctx context.Context, token []byte, size int32) (upstream.Response, error) {
			page, err := s.upstream.Call(ctx, spec.Method, &workflowservice.ListSchedulesRequest{
				Namespace: namespace, Query: params.Query, NextPageToken: token, MaximumPageSize: size,
			})
			return page, operation.WithInvalidQuery(err, "?query")
		}
		return list.Respond(ctx)
	})
}

// CountSchedules counts schedules.
func (s *Service) CountSchedules(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "countSchedules", Namespace: namespace,
		Method: workflowservice.WorkflowService_CountSchedules_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, params *openapi.CountSchedulesParams, _ *operation.None,
	) (*operation.Response, error) {
		response := &workflowservice.CountSchedulesResponse{}
		err := s.upstream.Do(ctx, spec.Method, &workflowservice.CountSchedulesRequest{Namespace: namespace, Query: params.Query}, response)
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
