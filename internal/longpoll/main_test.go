package longpoll_test

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	namespace  = "orders"
	workflowID = "order-1"
	runID      = "run-1"
	nextRunID  = "run-2"
	firstRunID = "run-0"
)

// fixture contains a fake Temporal server, a client of the server, and the polls under
// test.
type fixture struct {
	server  *upstreamtest.Server
	client  *upstream.Client
	metrics *telemetry.Metrics
	polls   *longpoll.Polls
	stop    context.CancelFunc // cancels the base context of the polls
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{server: upstreamtest.New(t)}
	var err error
	f.metrics, err = telemetry.NewMetrics("test")
	require.NoError(t, err)
	f.client, err = upstream.New(upstream.Options{
		Server:           upstream.Server{Address: "temporal.example:7233"},
		KeepAlive:        upstream.KeepAlive{Interval: 30 * time.Second, Timeout: 15 * time.Second},
		Credential:       auth.NoCredential(),
		Timeouts:         upstream.Timeouts{Default: 30 * time.Second, Max: 5 * time.Minute},
		MaxResponseBytes: 128 << 20,
		Version:          "1.2.3",
		Log:              slog.New(slog.DiscardHandler),
		Metrics:          f.metrics,
		Dial:             f.server.Dial,
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.client.Close() })
	var base context.Context
	base, f.stop = context.WithCancel(t.Context())
	f.polls = longpoll.New(base, f.client, f.metrics, time.Minute)
	t.Cleanup(func() {
		f.stop()
		f.polls.Close()
		require.Zero(t, f.metrics.WaitPolls.Value(), "a poll is still in flight")
		require.Zero(t, f.metrics.WaitCallers.Value(), "a caller has not left")
	})
	return f
}

// callOptions returns the options of a call in the namespace "orders".
func callOptions() upstream.CallOptions { return upstream.CallOptions{Namespace: namespace} }

// readerContext returns a context with call options and a principal that has the role
// read on two namespaces.
func readerContext(t testing.TB, changes ...func(*auth.Principal)) context.Context {
	t.Helper()
	principal := &auth.Principal{Name: "reader", Grants: []auth.Grant{
		{Namespace: namespace, Role: auth.RoleRead}, {Namespace: "payments", Role: auth.RoleRead},
	}}
	for _, change := range changes {
		change(principal)
	}
	call := callOptions()
	return upstream.WithOptions(auth.WithPrincipal(t.Context(), principal), &call)
}

// fakeRun is a run to which a test adds events. Its two RPCs behave like those of the
// server: a long poll ends after 20 s, or a second before its deadline if that is
// earlier.
type fakeRun struct {
	mu      sync.Mutex
	events  []*history.HistoryEvent
	paused  bool
	resetID string        // id of the run that a reset started, or empty
	changed chan struct{} // closed at the next change
}

// serveRun makes the fake server serve a run without events.
func (f *fixture) serveRun() *fakeRun {
	r := &fakeRun{changed: make(chan struct{})}
	f.server.Handle("GetWorkflowExecutionHistory", upstreamtest.Typed(r.history))
	f.server.Handle("DescribeWorkflowExecution", upstreamtest.Typed(r.describe))
	return r
}

// change calls change under the lock, and wakes the long polls.
func (r *fakeRun) change(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *fakeRun) add(events ...*history.HistoryEvent) {
	r.change(func() { r.events = append(r.events, events...) })
}

// addAfter adds events after the time d.
func (r *fakeRun) addAfter(d time.Duration, events ...*history.HistoryEvent) {
	time.AfterFunc(d, func() { r.add(events...) })
}

func (r *fakeRun) describe(
	context.Context, *workflowservice.DescribeWorkflowExecutionRequest,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	status := enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	if r.paused {
		status = enums.WORKFLOW_EXECUTION_STATUS_PAUSED
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
			Execution: &common.WorkflowExecution{WorkflowId: workflowID, RunId: runID}, FirstRunId: firstRunID,
			Status: status, HistoryLength: int64(len(r.events)),
		},
		WorkflowExtendedInfo: &workflow.WorkflowExecutionExtendedInfo{ResetRunId: r.resetID},
	}, nil
}

func (r *fakeRun) history(
	ctx context.Context, request *workflowservice.GetWorkflowExecutionHistoryRequest,
) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	deadline, _ := ctx.Deadline()
	timer := time.NewTimer(min(20*time.Second, time.Until(deadline)-time.Second))
	defer timer.Stop()
	from, _ := strconv.Atoi(string(request.GetNextPageToken()))
	for {
		r.mu.Lock()
		events, changed, ended := r.events[min(from, len(r.events)):], r.changed, r.paused
		if n := len(r.events); n > 0 && closes(r.events[n-1]) {
			ended = true
		}
		if request.GetHistoryEventFilterType() == enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT {
			events = nil
			if n := len(r.events); n > 0 && ended {
				events = r.events[n-1:]
			}
		}
		next := len(r.events)
		r.mu.Unlock()
		response := &workflowservice.GetWorkflowExecutionHistoryResponse{
			History: &history.History{Events: events}, NextPageToken: []byte(strconv.Itoa(next)),
		}
		if ended {
			response.NextPageToken = nil
		}
		if len(events) > 0 || ended {
			return response, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return response, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func closes(event *history.HistoryEvent) bool {
	return longpoll.EventHeader{Type: event.GetEventType()}.Closes()
}

// completed returns the close event, with id 9, of a run that completed. newRunID is the
// id of its successor, or empty.
func completed(newRunID string) *history.HistoryEvent {
	return &history.HistoryEvent{
		EventId: 9, TaskId: 9, EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
		Attributes: &history.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
			WorkflowExecutionCompletedEventAttributes: &history.WorkflowExecutionCompletedEventAttributes{NewExecutionRunId: newRunID},
		},
	}
}

// signaled returns an event of type SIGNALED.
func signaled(id int64) *history.HistoryEvent {
	return &history.HistoryEvent{
		EventId: id, TaskId: id, EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
		Attributes: &history.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
			WorkflowExecutionSignaledEventAttributes: &history.WorkflowExecutionSignaledEventAttributes{SignalName: "pay"},
		},
	}
}

// timeouts returns the timeout of each call to a method, in order.
func (f *fixture) timeouts(method string) []time.Duration {
	var timeouts []time.Duration
	for _, call := range f.server.Calls(method) {
		timeouts = append(timeouts, call.Deadline.Sub(call.Time))
	}
	return timeouts
}

// ids returns the ids of events in wire form.
func ids(t testing.TB, events [][]byte) []int64 {
	t.Helper()
	var ids []int64
	for _, wire := range events {
		event := &history.HistoryEvent{}
		require.NoError(t, proto.Unmarshal(wire, event))
		ids = append(ids, event.GetEventId())
	}
	return ids
}
