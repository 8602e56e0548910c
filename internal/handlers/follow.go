package handlers

import (
	"cmp"
	"context"
	"net/http"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// follower sends the events of a run as they happen, and on to the runs that
// succeed it.
type follower struct {
	api        *API
	request    *operation.Request
	upstream   upstream.CallOptions
	workflowID string
	followRuns bool
	filter     enums.HistoryEventFilterType
	form       transcode.Form
	pageSize   int32

	waitSlot limit.Slot
	first    *longpoll.Page // the page that was fetched before the response began

	runID         string
	sent          int64 // the last event of the run that the caller has
	read          int64 // the last one that has been looked at
	historyLength int64 // when the stream switched to the run; events up to it are there already
	token         []byte

	// tail is where the stream waits for more events, once it has sent those that were there.
	tail *longpoll.Tail
}

// follow returns the stream, or 204 if the client has read it to its end. An error
// before the first event is reported by the status.
func (a *API) follow(ctx context.Context, req *operation.Request, params openapi.GetWorkflowHistoryParams) (_ *operation.Response, err error) {
	f, from, err := a.newFollower(ctx, req, params)
	if err != nil {
		return nil, err
	}
	if err := req.AcquireWait(ctx); err != nil {
		return nil, err
	}
	more, err := f.open(ctx, params.RunID, from)
	if err != nil {
		return nil, operation.WithWorkflowID(err, f.workflowID)
	}
	if !more {
		return operation.NoContent(), nil
	}
	if f.read < f.historyLength && req.HTTP.Method != http.MethodHead {
		if f.first, err = f.fetch(ctx); err != nil {
			return nil, operation.WithWorkflowID(err, f.workflowID)
		}
	}
	f.waitSlot = req.TakeWait() // the stream's, for as long as it lasts
	size := 0
	if f.first != nil {
		size = len(f.first.Response.Bytes())
	}
	return operation.Stream(size, f.drop, f.stream), nil
}

func (a *API) newFollower(ctx context.Context, req *operation.Request, params openapi.GetWorkflowHistoryParams) (*follower, cursor, error) {
	from, err := parseCursor(req.HTTP.Header, params.LastEventID)
	if err != nil {
		return nil, from, err
	}
	var faulty convert.Validation
	f := &follower{
		api: a, request: req, workflowID: req.Execution.GetWorkflowId(), upstream: upstream.CallFrom(ctx),
		pageSize:   int32(operation.PageSize(&faulty, params.PageSize)), //nolint:gosec // at most maxPageSize
		followRuns: params.FollowRuns == nil || *params.FollowRuns,
		filter:     eventFilter(&faulty, params.EventFilterType), form: payloadForm(&faulty, params.Payloads),
	}
	if bound := req.Principal.Capability; bound != nil && bound.RunID != "" {
		f.followRuns = false // its bearer may not look at another run
	}
	if params.PageToken != "" {
		faulty.Add("?pageToken", "is for pages; a stream of events goes on after the event that Last-Event-ID names")
	}
	if params.Limit != nil {
		faulty.Add("?limit", "is for lists; a stream of events ends with the workflow")
	}
	if params.WaitNewEvent != nil && !*params.WaitNewEvent {
		faulty.Add("?waitNewEvent", "must not be false for a stream of events, which waits for them")
	}
	if params.SkipArchival != nil && !*params.SkipArchival {
		faulty.Add("?skipArchival", "must not be false for a stream of events, which never reads the archive")
	}
	return f, from, faulty.Err()
}

// open finds the run to begin with, and reports whether there is anything after
// the position.
func (f *follower) open(ctx context.Context, runID string, from cursor) (more bool, err error) {
	run, err := f.switchTo(ctx, cmp.Or(from.runID, f.request.Execution.GetRunId()))
	if err != nil {
		if from.runID != "" && problem.Is(err, problem.WorkflowNotFound) {
			return false, from.errForeign()
		}
		return false, err
	}
	if from.runID == "" {
		return true, nil
	}
	if from.eventID > run.GetHistoryLength() || f.request.IsOtherChain(run) {
		return false, from.errForeign()
	}
	if runID != "" && runID != from.runID {
		if err := f.checkChain(ctx, runID, run.GetFirstRunId(), from); err != nil {
			return false, err
		}
	}
	f.sent = from.eventID
	if !convert.HasOutcome(run.GetStatus()) || from.eventID < run.GetHistoryLength() {
		return true, nil
	}
	closed, err := f.api.polls.Outcomes.Read(ctx, longpoll.Run{WorkflowID: f.workflowID, RunID: f.runID})
	if err != nil || !f.hasNext(closed) {
		return false, err
	}
	_, err = f.switchTo(ctx, closed.NewRunID)
	return true, err
}

// checkChain refuses a position in a run that the stream of runID does not come
// to. A run that the server has forgotten meanwhile proves nothing.
func (f *follower) checkChain(ctx context.Context, runID, firstRunID string, from cursor) error {
	if !f.followRuns {
		return from.errForeign()
	}
	if runID == firstRunID {
		return nil
	}
	run, err := longpoll.DescribeRun(ctx, f.api.options.Upstream, f.workflowID, runID)
	if problem.Is(err, problem.WorkflowNotFound) {
		return nil
	}
	if err == nil && run.GetWorkflowExecutionInfo().GetFirstRunId() != firstRunID {
		err = from.errForeign()
	}
	return err
}

// switchTo makes a run the one that is read, from its first event on.
func (f *follower) switchTo(ctx context.Context, runID string) (*workflow.WorkflowExecutionInfo, error) {
	run, err := longpoll.DescribeRun(ctx, f.api.options.Upstream, f.workflowID, runID)
	if err != nil {
		return nil, err
	}
	info := run.GetWorkflowExecutionInfo()
	f.leave()
	f.runID, f.sent, f.read, f.historyLength, f.token = info.GetExecution().GetRunId(), 0, 0, info.GetHistoryLength(), nil
	if f.history().CloseOnly() && !convert.HasOutcome(info.GetStatus()) {
		f.historyLength = 0
	}
	return info, nil
}

func (f *follower) history() longpoll.HistoryKey {
	return longpoll.HistoryKey{WorkflowID: f.workflowID, RunID: f.runID, Filter: f.filter}
}
