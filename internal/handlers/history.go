package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
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

// GetWorkflowHistory is the SDK's handle.fetch_history and fetch_history_events:
// a page as JSON, every event that there is as NDJSON, or every event as it
// happens as server-sent events.
func (a *API) GetWorkflowHistory(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "getWorkflowHistory", Namespace: namespace, MediaTypes: []string{operation.JSON, operation.NDJSON, sse.ContentType},
		Method: workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, req *operation.Request, params *openapi.GetWorkflowHistoryParams, _ *operation.None) (*operation.Response, error) {
		if req.MediaType == sse.ContentType {
			return a.follow(ctx, req, *params)
		}
		h, err := a.newHistory(req, *params)
		if err != nil {
			return nil, err
		}
		if h.waits {
			if err := req.AcquireWait(ctx); err != nil {
				return nil, err
			}
			req.Release(ctx)
		}
		shown, err := h.Respond(ctx)
		if h.waits && req.MediaType == operation.JSON && problem.Is(err, problem.Draining) {
			return h.emptyPage(params.PageToken), nil
		}
		return shown, operation.WithWorkflowID(err, h.workflowID)
	})
}

// historyViews are the JSON shapes of a page of events and of an event.
type historyViews struct{ page, event *transcode.Message }

func newHistoryViews() historyViews {
	plans := transcode.NewPlans()
	return historyViews{
		page: plans.View((&workflowservice.GetWorkflowExecutionHistoryResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "history", Always: true, View: []transcode.ViewField{{Field: "events", As: "events", Always: true}}},
		}),
		event: plans.Message((&history.HistoryEvent{}).ProtoReflect().Descriptor()),
	}
}

// workflowHistory are the pages of one run's events.
type workflowHistory struct {
	*operation.Pages
	api        *API
	workflowID string
	waits      bool
}

func (a *API) newHistory(req *operation.Request, params openapi.GetWorkflowHistoryParams) (_ *workflowHistory, err error) {
	var v convert.Validation
	filter, form := eventFilter(&v, params.EventFilterType), payloadForm(&v, params.Payloads)
	if params.FollowRuns != nil {
		v.Add("?followRuns", "is for a stream of events; all else is one run's")
	}
	if params.LastEventID != "" {
		v.Add("?lastEventId", "is for a stream of events; a page has pageToken")
	}
	waitNewEvent, skipArchival := params.WaitNewEvent != nil && *params.WaitNewEvent, params.SkipArchival != nil && *params.SkipArchival
	h := &workflowHistory{
		api: a, workflowID: req.Execution.GetWorkflowId(), waits: waitNewEvent || filter == enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
	}
	if req.MediaType == operation.NDJSON && waitNewEvent {
		v.Add("?waitNewEvent", "must not be asked for with a stream of lines, which ends with the last event that there is")
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
	h.View, h.LineView, h.Split = a.historyViews.page, a.historyViews.event, longpoll.SplitEvents
	h.Form = form
	h.Fetch = func(ctx context.Context, token []byte, size int32) (upstream.Response, error) {
		execution := req.Execution
		if len(token) > 0 { // which names the run, by now another one perhaps
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

// eventFilter reads which events are asked for.
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

// payloadForm reads how payloads are shown.
func payloadForm(v *convert.Validation, name string) transcode.Form {
	switch name {
	case "", "decoded":
	case "raw": // canonical protobuf JSON, which the SDKs' replayers read
		return transcode.Form{LongPayloads: true}
	default:
		v.Add("?payloads", "must be decoded or raw")
	}
	return transcode.Form{}
}

// emptyPage is a page that was waited for in vain: it leads to where it began.
func (h *workflowHistory) emptyPage(token string) *operation.Response {
	if token == "" {
		token = h.FirstToken()
	}
	return operation.OK(openapi.WorkflowHistory{Events: []openapi.HistoryEvent{}, NextPageToken: token})
}

// page asks for one page. One that is waited for is a slice as the polls' are,
// or a caller who pages on would make a hot loop, and it ends early when the
// gateway stops: the caller asks again, elsewhere.
func (h *workflowHistory) page(ctx context.Context, request *workflowservice.GetWorkflowExecutionHistoryRequest) (upstream.Response, error) {
	if h.waits {
		call := upstream.CallFrom(ctx)
		if call.Timeout == 0 {
			call.Timeout = longpoll.MaxSlice
		}
		call.Timeout = h.api.polls.Timeout(call.Timeout)
		waiting, end := h.api.drain.Context(upstream.NewContext(ctx, &call))
		defer end()
		ctx = waiting
	}
	page, err := h.api.options.Upstream.Call(ctx, workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName, request)
	if h.waits && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = problem.New(problem.DeadlineExceeded, "Nothing new has happened in the time that a request may take. Ask again.").WithCause(err)
	}
	return page, err
}
