package history

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

// follower streams the events of a run as they happen, and then those of the runs that
// succeed it.
type follower struct {
	service    *Service
	req        *operation.Request
	options    upstream.CallOptions
	workflowID string
	followRuns bool
	filter     enums.HistoryEventFilterType
	form       transcode.Options
	pageSize   int32

	waitSlot  limit.Slot
	firstPage *longpoll.Page // fetched before the response began

	// The state of the current run.
	runID string
	sent  int64 // the id of the last event that was sent to the caller
	read  int64 // the id of the last event that the stream has read
	// historyLength is the id of the event up to which the stream fetches pages. It joins
	// the tail after that.
	historyLength int64
	token         []byte // Temporal's token for the next page

	// tail delivers new events. It is nil while the stream fetches existing ones.
	tail *longpoll.Tail
}

// follow returns the stream, or 204 if the client has already received all its events. It
// fetches the first page, so that an error before the first event has its own status.
func (s *Service) follow(ctx context.Context, req *operation.Request, params openapi.GetWorkflowHistoryParams) (_ *operation.Response, err error) {
	f, from, err := s.newFollower(ctx, req, params)
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
		if f.firstPage, err = f.fetchNext(ctx); err != nil {
			return nil, operation.WithWorkflowID(err, f.workflowID)
		}
	}
	f.waitSlot = req.TakeWait() // the stream holds it until it ends
	size := 0
	if f.firstPage != nil {
		size = len(f.firstPage.Response.Bytes())
	}
	return operation.Stream(size, f.drop, f.stream), nil
}

func (s *Service) newFollower(ctx context.Context, req *operation.Request, params openapi.GetWorkflowHistoryParams) (*follower, cursor, error) {
	from, err := parseCursor(req.HTTP.Header, params.LastEventID)
	if err != nil {
		return nil, from, err
	}
	var v convert.Validation
	f := &follower{
		service: s, req: req, workflowID: req.Execution.GetWorkflowId(), options: upstream.OptionsFrom(ctx),
		pageSize:   int32(operation.PageSize(&v, params.PageSize)), //nolint:gosec // at most maxPageSize
		followRuns: params.FollowRuns == nil || *params.FollowRuns,
		filter:     eventFilter(&v, params.EventFilterType), form: payloadForm(&v, params.Payloads),
	}
	if bound := req.Principal.Capability; bound != nil && bound.RunID != "" {
		f.followRuns = false // the delegated token permits one run only
	}
	if params.PageToken != "" {
		v.Add("?pageToken", "is for pages; a stream of events continues after the event in Last-Event-ID")
	}
	if params.Limit != nil {
		v.Add("?limit", "is for lists; a stream of events ends with the workflow")
	}
	if params.WaitNewEvent != nil && !*params.WaitNewEvent {
		v.Add("?waitNewEvent", "must not be false for a stream of events, which waits for them")
	}
	if params.SkipArchival != nil && !*params.SkipArchival {
		v.Add("?skipArchival", "must not be false for a stream of events, which never reads the archive")
	}
	return f, from, v.Err()
}

// open switches to the run of from, or of the handle if from is the zero value, and reports
// whether any events follow from.
func (f *follower) open(ctx context.Context, runID string, from cursor) (more bool, err error) {
	run, err := f.switchTo(ctx, cmp.Or(from.runID, f.req.Execution.GetRunId()))
	if err != nil {
		if from.runID != "" && problem.Is(err, problem.WorkflowNotFound) {
			return false, from.errForeign()
		}
		return false, err
	}
	if from.runID == "" {
		return true, nil
	}
	if from.eventID > run.GetHistoryLength() || f.req.IsOtherChain(run) {
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
	closed, err := f.service.polls.Outcomes.ReadClosed(ctx, longpoll.Run{WorkflowID: f.workflowID, RunID: f.runID})
	if err != nil || !f.hasNext(closed) {
		return false, err
	}
	_, err = f.switchTo(ctx, closed.NewRunID)
	return true, err
}

// checkChain returns an error unless the stream that began with runID reaches the run of
// from, whose chain begins with firstRunID. It accepts from if the server has deleted
// runID, because the chain can then not be checked.
func (f *follower) checkChain(ctx context.Context, runID, firstRunID string, from cursor) error {
	if !f.followRuns {
		return from.errForeign()
	}
	if runID == firstRunID {
		return nil
	}
	run, err := longpoll.DescribeRun(ctx, f.service.upstream, f.workflowID, runID)
	if problem.Is(err, problem.WorkflowNotFound) {
		return nil
	}
	if err == nil && run.GetWorkflowExecutionInfo().GetFirstRunId() != firstRunID {
		err = from.errForeign()
	}
	return err
}

// switchTo makes the stream read a run from its first event.
func (f *follower) switchTo(ctx context.Context, runID string) (*workflow.WorkflowExecutionInfo, error) {
	run, err := longpoll.DescribeRun(ctx, f.service.upstream, f.workflowID, runID)
	if err != nil {
		return nil, err
	}
	info := run.GetWorkflowExecutionInfo()
	f.leaveTail()
	f.runID, f.sent, f.read, f.historyLength, f.token = info.GetExecution().GetRunId(), 0, 0, info.GetHistoryLength(), nil
	if f.history().CloseOnly() && !convert.HasOutcome(info.GetStatus()) {
		f.historyLength = 0 // there is no close event to fetch yet
	}
	return info, nil
}

func (f *follower) history() longpoll.HistoryKey {
	return longpoll.HistoryKey{WorkflowID: f.workflowID, RunID: f.runID, Filter: f.filter}
}
