package history

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/sse"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// GetWorkflowHistory is the SDK's handle.fetch_history and fetch_history_events: a page
// as JSON, all existing events as NDJSON, or events as they happen as server-sent
// events.
func (s *Service) GetWorkflowHistory(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "getWorkflowHistory", Namespace: namespace, MediaTypes: []string{operation.JSON, operation.NDJSON, sse.ContentType},
		Method: workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.GetWorkflowHistoryParams, _ *operation.None,
	) (*operation.Response, error) {
		if req.MediaType == sse.ContentType {
			return s.follow(ctx, req, *params)
		}
		h, err := s.newPages(req, *params)
		if err != nil {
			return nil, err
		}
		if h.waits {
			if err := req.AcquireWait(ctx); err != nil {
				return nil, err
			}
			req.Release(ctx)
		}
		response, err := h.Respond(ctx)
		if h.waits && req.MediaType == operation.JSON && problem.Is(err, problem.Draining) {
			return h.emptyPage(params.PageToken), nil
		}
		return response, operation.WithWorkflowID(err, h.workflowID)
	})
}

// eventPages are the pages of one run's events.
type eventPages struct {
	*operation.Pages
	service    *Service
	workflowID string
	waits      bool // whether the request for a page waits for an event
}

func (s *Service) newPages(req *operation.Request, params openapi.GetWorkflowHistoryParams) (_ *eventPages, err error) {
	var v convert.Validation
	filter, form := eventFilter(&v, params.EventFilterType), payloadForm(&v, params.Payloads)
	if params.FollowRuns != nil {
		v.Add("?followRuns", "is for a stream of events; pages and lines are of one run")
	}
	if params.LastEventID != "" {
		v.Add("?lastEventId", "is for a stream of events; a page has pageToken")
	}
	waitNewEvent, skipArchival := params.WaitNewEvent != nil && *params.WaitNewEvent, params.SkipArchival != nil && *params.SkipArchival
	h := &eventPages{
		service: s, workflowID: req.Execution.GetWorkflowId(), waits: waitNewEvent || filter == enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
	}
	if req.MediaType == operation.NDJSON && waitNewEvent {
		v.Add("?waitNewEvent", "must not be true for a stream of lines, which ends with the last existing event")
	}
	if req.MediaType != operation.NDJSON && params.Limit != nil {
		v.Add("?limit", "is for streams; a page has pageSize")
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	query := fmt.Sprintf("%q %q %q %d %t %t", h.workflowID, params.RunID, params.FirstExecutionRunID, filter, waitNewEvent, skipArchival)
	if h.Pages, err = req.NewPages(operation.Paging{PageSize: params.PageSize, PageToken: params.PageToken, Limit: params.Limit}, query); err != nil {
		return nil, err
	}
	h.View, h.LineView, h.Split = s.views.page, s.views.event, longpoll.SplitEvents
	h.Form = form
	h.Fetch = func(ctx context.Context, token []byte, size int32) (upstream.Response, error) {
		execution := req.Execution
		if len(token) > 0 { // Temporal's token identifies the run, which may no longer be the current one
			execution = &common.WorkflowExecution{WorkflowId: h.workflowID, RunId: params.RunID}
		}
		return h.page(ctx, &workflowservice.GetWorkflowExecutionHistoryRequest{
			Namespace: req.Namespace, Execution: execution,
			MaximumPageSize: size, NextPageToken: token, WaitNewEvent: waitNewEvent, HistoryEventFilterType: filter,
			SkipArchival: skipArchival,
		})
	}
	return h, nil
}

// eventFilter parses the filter of events.
func eventFilter(v *convert.Validation, name string) enums.HistoryEventFilterType {
	switch name {
	case "", "ALL_EVENT":
	case "CLOSE_EVENT":
		return enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT
	default:
		v.Add("?eventFilterType", "must be ALL_EVENT or CLOSE_EVENT")
	}
	return enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT
}

// payloadForm parses the form of payloads in events.
func payloadForm(v *convert.Validation, name string) transcode.Options {
	switch name {
	case "", "decoded":
	case "raw": // canonical protobuf JSON, which the SDKs' replayers read
		return transcode.Options{LongPayloads: true}
	default:
		v.Add("?payloads", "must be decoded or raw")
	}
	return transcode.Options{}
}

// emptyPage returns the response to a wait that ended without an event. Its page token
// resumes where the wait began.
func (h *eventPages) emptyPage(token string) *operation.Response {
	if token == "" {
		token = h.FirstToken()
	}
	return operation.OK(openapi.WorkflowHistory{Events: []openapi.HistoryEvent{}, NextPageToken: token})
}

// page fetches one page. If it waits, its timeout is kept within the limits of a poll,
// because a caller that requests page after page with a short timeout would make a hot
// loop. The wait also ends on a drain, so that the caller can continue on another
// replica.
func (h *eventPages) page(ctx context.Context, request *workflowservice.GetWorkflowExecutionHistoryRequest) (upstream.Response, error) {
	if h.waits {
		options := upstream.OptionsFrom(ctx)
		if options.Timeout == 0 {
			options.Timeout = longpoll.MaxPollTimeout
		}
		options.Timeout = h.service.polls.Timeout(options.Timeout)
		waitCtx, endWait := h.service.drain.Context(upstream.WithOptions(ctx, &options))
		defer endWait()
		ctx = waitCtx
	}
	page, err := h.service.upstream.Call(ctx, workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName, request)
	if h.waits && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = problem.New(problem.DeadlineExceeded, "No new event occurred within the time limit of a request. Repeat the request.").WithCause(err)
	}
	return page, err
}
