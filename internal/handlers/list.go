package handlers

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/payload"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// ListWorkflows is the SDK's list_workflows: a page as JSON, or every workflow
// as NDJSON.
func (a *API) ListWorkflows(w http.ResponseWriter, r *http.Request, namespace string) {
	op := operation{
		name: "listWorkflows", namespace: namespace, mediaTypes: []string{contentTypeJSON, contentTypeNDJSON},
		method: workflowservice.WorkflowService_ListWorkflowExecutions_FullMethodName,
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, params *openapi.ListWorkflowsParams, _ *noBody) (*response, error) {
		list, err := a.newPages(c, paging{params.PageSize, params.PageToken, params.Limit}, params.Query)
		if err != nil {
			return nil, err
		}
		list.view, list.lineView = a.views.List, a.views.Summary
		list.split = splitWorkflows
		list.fetch = func(ctx context.Context, token []byte, size int32) (upstream.Response, error) {
			return a.options.Upstream.Call(ctx, op.method, &workflowservice.ListWorkflowExecutionsRequest{
				Namespace: namespace, Query: params.Query, NextPageToken: token, PageSize: size,
			})
		}
		return list.respond(ctx)
	})
}

// splitWorkflows reads ListWorkflowExecutionsResponse.
func splitWorkflows(page []byte) (items [][]byte, token []byte) {
	const executions, nextPageToken = 1, 2
	for number, value := range transcode.Fields(page) {
		if number == executions {
			items = append(items, value)
		}
		if number == nextPageToken {
			token = value
		}
	}
	return items, token
}

// CountWorkflows is the SDK's count_workflows, with groups.
func (a *API) CountWorkflows(w http.ResponseWriter, r *http.Request, namespace string) {
	op := operation{
		name: "countWorkflows", namespace: namespace,
		method: workflowservice.WorkflowService_CountWorkflowExecutions_FullMethodName,
	}
	serve(a, w, r, op, func(ctx context.Context, _ *operationRequest, params *openapi.CountWorkflowsParams, _ *noBody) (*response, error) {
		response := &workflowservice.CountWorkflowExecutionsResponse{}
		err := a.options.Upstream.Do(ctx, op.method, &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: namespace, Query: params.Query,
		}, response)
		if err != nil {
			return nil, err
		}
		shown := openapi.WorkflowCount{Count: response.GetCount()}
		for _, group := range response.GetGroups() {
			values := make([]openapi.JSON, 0, len(group.GetGroupValues()))
			for _, p := range group.GetGroupValues() {
				attribute, readable := payload.ToSearchAttribute(p)
				if !readable {
					return nil, problem.Unreadable(nil)
				}
				values = append(values, attribute.Value)
			}
			shown.Groups = append(shown.Groups, openapi.WorkflowCountGroup{Values: values, Count: group.GetCount()})
		}
		return okResponse(shown), nil
	})
}
