package workflow

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/upstream"
)

// ListWorkflows is the SDK's list_workflows: a page as JSON, or every workflow
// as NDJSON.
func (s *Service) ListWorkflows(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "listWorkflows", Namespace: namespace, MediaTypes: []string{operation.JSON, operation.NDJSON},
		Method: workflowservice.WorkflowService_ListWorkflowExecutions_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.ListWorkflowsParams, _ *operation.None,
	) (*operation.Response, error) {
		f := &filter{
			query: params.Query, workflowType: params.WorkflowType, statuses: params.Status,
			startedAfter: params.StartedAfter, startedBefore: params.StartedBefore, attributes: params.SearchAttribute,
		}
		list, err := req.NewPages(operation.Paging{PageSize: params.PageSize, PageToken: params.PageToken, Limit: params.Limit}, f.scope())
		if err != nil {
			return nil, err
		}
		query, err := s.visibilityQuery(ctx, namespace, f)
		if err != nil {
			return nil, err
		}
		list.View, list.LineView = s.views.List, s.views.Summary
		list.Split = operation.SplitList
		list.Fetch = func(ctx context.Context, token []byte, size int32) (upstream.Response, error) {
			page, err := s.upstream.Call(ctx, spec.Method, &workflowservice.ListWorkflowExecutionsRequest{
				Namespace: namespace, Query: query, NextPageToken: token, PageSize: size,
			})
			return page, operation.WithInvalidQuery(err, "?query")
		}
		return list.Respond(ctx)
	})
}

// CountWorkflows is the SDK's count_workflows, with groups.
func (s *Service) CountWorkflows(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "countWorkflows", Namespace: namespace,
		Method: workflowservice.WorkflowService_CountWorkflowExecutions_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, params *openapi.CountWorkflowsParams, _ *operation.None,
	) (*operation.Response, error) {
		query, err := s.visibilityQuery(ctx, namespace, &filter{
			query: params.Query, workflowType: params.WorkflowType, statuses: params.Status,
			startedAfter: params.StartedAfter, startedBefore: params.StartedBefore, attributes: params.SearchAttribute,
		})
		if err != nil {
			return nil, err
		}
		response := &workflowservice.CountWorkflowExecutionsResponse{}
		err = s.upstream.Do(ctx, spec.Method, &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: query}, response)
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
