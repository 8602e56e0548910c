package handlers

import (
	"bufio"
	"context"
	"net/http"

	"github.com/go-json-experiment/json"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/payload"
	"github.com/flowgate/flowgate/internal/problem"
)

// Bounds of a page. The server answers with its own maximum, in silence, when
// asked for more.
const (
	defaultPageSize = 100
	maxPageSize     = 1000
)

// ListWorkflows is the SDK's list_workflows: a page as JSON, or every workflow
// as NDJSON.
func (a *API) ListWorkflows(w http.ResponseWriter, r *http.Request, namespace string, params ListWorkflowsParams) {
	op := operation{
		name: "listWorkflows", namespace: namespace, params: params, types: []string{contentTypeJSON, contentTypeNDJSON},
		method: workflowservice.WorkflowService_ListWorkflowExecutions_FullMethodName,
	}
	serve(a, w, r, op, func(ctx context.Context, c *call, _ *noBody) (*answer, error) {
		list, err := a.newWorkflowPages(c, params)
		if err != nil {
			return nil, err
		}
		page, err := list.next(ctx)
		if err != nil {
			return nil, err
		}
		if c.mediaType == contentTypeNDJSON {
			return list.stream(ctx, page), nil
		}
		shown := WorkflowList{Workflows: summaries(page)}
		if list.more() {
			shown.NextPageToken = a.options.Tokens.seal(list.scope, list.token)
		}
		return ok(shown), nil
	})
}

// workflowPages fetches pages one after another.
type workflowPages struct {
	api      *API
	call     *call
	scope    tokenScope
	token    []byte
	pageSize int
	limit    int // of what is left to list; negative for all
}

func (a *API) newWorkflowPages(c *call, params ListWorkflowsParams) (*workflowPages, error) {
	var f faults
	list := &workflowPages{
		api: a, call: c, pageSize: defaultPageSize, limit: -1,
		scope: tokenScope{principal: c.principal.Name, namespace: c.namespace, operation: c.name, query: params.Query},
	}
	if params.PageSize != nil {
		list.pageSize = *params.PageSize
		if list.pageSize < 1 || list.pageSize > maxPageSize {
			f.add("?pageSize", "must be between 1 and 1000")
		}
	}
	if params.Limit != nil {
		list.limit = *params.Limit
		if list.limit < 1 {
			f.add("?limit", "must be at least 1")
		}
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	token, err := a.options.Tokens.open(list.scope, params.PageToken)
	list.token = token
	return list, err
}

// next fetches a page, of no more than what is left of the limit.
func (l *workflowPages) next(ctx context.Context) ([]*workflow.WorkflowExecutionInfo, error) {
	size := l.pageSize
	if l.limit >= 0 {
		size = min(size, l.limit)
	}
	response := &workflowservice.ListWorkflowExecutionsResponse{}
	err := l.api.options.Upstream.Do(ctx, workflowservice.WorkflowService_ListWorkflowExecutions_FullMethodName,
		&workflowservice.ListWorkflowExecutionsRequest{
			Namespace: l.scope.namespace, Query: l.scope.query, NextPageToken: l.token,
			PageSize: int32(size), //nolint:gosec // at most maxPageSize
		}, response)
	if err != nil {
		return nil, err
	}
	l.token = response.GetNextPageToken()
	page := response.GetExecutions()
	if l.limit >= 0 {
		page = page[:min(len(page), l.limit)]
		l.limit -= len(page)
	}
	return page, nil
}

// resume fetches the next page of a stream, in a place of its own: that of the
// request was given back when the answer began, because who reads slowly must
// not hold one, and without one a caller's streams would have no bound.
func (l *workflowPages) resume(ctx context.Context) ([]*workflow.WorkflowExecutionInfo, error) {
	place, err := l.api.options.Reads.Resume(ctx, l.call.principal.Name, l.call.principal.Share)
	if err != nil {
		return nil, err
	}
	defer place.Leave()
	return l.next(ctx)
}

// more reports whether there is a page after the last one.
func (l *workflowPages) more() bool { return len(l.token) > 0 && l.limit != 0 }

// stream writes a workflow a line, and fetches the next page when a page is
// written. A failure after the first line can no longer be told by a status:
// the connection is cut, so that what is there never looks complete.
func (l *workflowPages) stream(ctx context.Context, page []*workflow.WorkflowExecutionInfo) *answer {
	return &answer{stream: func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", contentTypeNDJSON)
		w.WriteHeader(http.StatusOK)
		buffered := bufio.NewWriter(w)
		for {
			for _, info := range page {
				if err := json.MarshalWrite(buffered, summary(info), encoding()); err != nil {
					abort(ctx, err)
				}
				_ = buffered.WriteByte('\n')
			}
			if err := buffered.Flush(); err != nil {
				abort(ctx, err)
			}
			_ = http.NewResponseController(w).Flush()
			if !l.more() {
				return nil
			}
			var err error
			if page, err = l.resume(ctx); err != nil {
				abort(ctx, err)
			}
		}
	}}
}

func summaries(infos []*workflow.WorkflowExecutionInfo) []WorkflowSummary {
	shown := make([]WorkflowSummary, len(infos))
	for i, info := range infos {
		shown[i] = summary(info)
	}
	return shown
}

// CountWorkflows is the SDK's count_workflows, with groups.
func (a *API) CountWorkflows(w http.ResponseWriter, r *http.Request, namespace string, params CountWorkflowsParams) {
	op := operation{
		name: "countWorkflows", namespace: namespace, params: params,
		method: workflowservice.WorkflowService_CountWorkflowExecutions_FullMethodName,
	}
	serve(a, w, r, op, func(ctx context.Context, _ *call, _ *noBody) (*answer, error) {
		response := &workflowservice.CountWorkflowExecutionsResponse{}
		err := a.options.Upstream.Do(ctx, op.method, &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: namespace, Query: params.Query,
		}, response)
		if err != nil {
			return nil, err
		}
		shown := WorkflowCount{Count: response.GetCount()}
		for _, group := range response.GetGroups() {
			values := make([]JSON, 0, len(group.GetGroupValues()))
			for _, p := range group.GetGroupValues() {
				attribute, readable := payload.ToSearchAttribute(p)
				if !readable {
					return nil, problem.New(problem.UpstreamError, "The Temporal server's answer cannot be read.")
				}
				values = append(values, attribute.Value)
			}
			shown.Groups = append(shown.Groups, WorkflowCountGroup{Values: values, Count: group.GetCount()})
		}
		return ok(shown), nil
	})
}
