package longpoll_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/longpoll"
)

func marshal(t testing.TB, message proto.Message) []byte {
	t.Helper()
	encoded, err := proto.Marshal(message)
	require.NoError(t, err)
	return encoded
}

func TestParseEventHeader(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		event             *history.HistoryEvent
		persisted, closes bool
	}{
		"persisted task":  {&history.HistoryEvent{EventId: 2, TaskId: 9, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED}, true, false},
		"transient task":  {&history.HistoryEvent{EventId: 2, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED}, false, false},
		"transient start": {&history.HistoryEvent{EventId: 3, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_STARTED}, false, false},
		"without task id": {&history.HistoryEvent{EventId: 3, EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED}, true, false},
		"close event":     {&history.HistoryEvent{EventId: 1 << 40, TaskId: 1, EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED}, true, true},
	} {
		encoded := marshal(t, test.event)
		header, err := longpoll.ParseEventHeader(encoded)
		require.NoError(t, err, name)
		require.Equal(t, test.event.GetEventId(), header.ID, name)
		require.Equal(t, []bool{test.persisted, test.closes}, []bool{header.Persisted(), header.Closes()}, name)
		_, err = longpoll.ParseEventHeader(encoded[:len(encoded)-1])
		require.EqualError(t, err, "not a history event")
	}
}

func TestParseCloseReturnsTheSuccessor(t *testing.T) {
	t.Parallel()
	const successor = "run-2"
	for name, test := range map[string]struct {
		event        *history.HistoryEvent
		wantNewRunID string
	}{
		"completed": {completed(successor), successor},
		"failed": {&history.HistoryEvent{Attributes: &history.HistoryEvent_WorkflowExecutionFailedEventAttributes{
			WorkflowExecutionFailedEventAttributes: &history.WorkflowExecutionFailedEventAttributes{NewExecutionRunId: successor},
		}}, successor},
		"timed out": {&history.HistoryEvent{Attributes: &history.HistoryEvent_WorkflowExecutionTimedOutEventAttributes{
			WorkflowExecutionTimedOutEventAttributes: &history.WorkflowExecutionTimedOutEventAttributes{NewExecutionRunId: successor},
		}}, successor},
		"continued as new": {&history.HistoryEvent{Attributes: &history.HistoryEvent_WorkflowExecutionContinuedAsNewEventAttributes{
			WorkflowExecutionContinuedAsNewEventAttributes: &history.WorkflowExecutionContinuedAsNewEventAttributes{NewExecutionRunId: successor},
		}}, successor},
		"cancelled": {&history.HistoryEvent{Attributes: &history.HistoryEvent_WorkflowExecutionCanceledEventAttributes{
			WorkflowExecutionCanceledEventAttributes: &history.WorkflowExecutionCanceledEventAttributes{},
		}}, ""},
		"terminated": {&history.HistoryEvent{Attributes: &history.HistoryEvent_WorkflowExecutionTerminatedEventAttributes{
			WorkflowExecutionTerminatedEventAttributes: &history.WorkflowExecutionTerminatedEventAttributes{},
		}}, ""},
	} {
		closed, err := longpoll.ParseCloseEvent(marshal(t, test.event))
		require.NoError(t, err, name)
		require.Equal(t, test.wantNewRunID, closed.NewRunID, name)
		require.True(t, proto.Equal(test.event, closed.Event), name)
	}
	_, err := longpoll.ParseCloseEvent(marshal(t, signaled(3)))
	require.EqualError(t, err, "not a history event")
	_, err = longpoll.ParseCloseEvent([]byte{0x0f})
	require.Error(t, err)
}

func TestSplitEventsReturnsEventsAndToken(t *testing.T) {
	t.Parallel()
	events, token := longpoll.SplitEvents(marshal(t, &workflowservice.GetWorkflowExecutionHistoryResponse{
		History: &history.History{Events: []*history.HistoryEvent{signaled(3), completed("")}}, NextPageToken: []byte("more"),
	}))
	require.Equal(t, [][]byte{marshal(t, signaled(3)), marshal(t, completed(""))}, events)
	require.Equal(t, "more", string(token))
	events, token = longpoll.SplitEvents(nil)
	require.Empty(t, events)
	require.Empty(t, token)
}
