package handlers

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/proto"
)

func TestEventsAreToldByTheirHead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		event           *history.HistoryEvent
		persisted, ends bool
	}{
		"a task that is stored": {&history.HistoryEvent{EventId: 2, TaskId: 9, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED}, true, false},
		"a task that is not":    {&history.HistoryEvent{EventId: 2, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED}, false, false},
		"its start":             {&history.HistoryEvent{EventId: 3, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_STARTED}, false, false},
		"another without a task id": {
			&history.HistoryEvent{EventId: 3, EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED}, true, false,
		},
		"an end": {&history.HistoryEvent{EventId: 1 << 40, TaskId: 1, EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED}, true, true},
	} {
		wire, err := proto.Marshal(test.event)
		require.NoError(t, err)
		head, err := parseEventHeader(wire)
		require.NoError(t, err, name)
		require.Equal(t, test.event.GetEventId(), head.id, name)
		require.Equal(t, []bool{test.persisted, test.ends}, []bool{head.persisted(), head.closes()}, name)
		_, err = parseEventHeader(wire[:len(wire)-1])
		require.Error(t, err, name)
	}
	_, err := parseOutcome(nil)
	require.ErrorIs(t, err, errNotEvent)
}
