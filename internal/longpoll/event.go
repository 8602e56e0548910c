package longpoll

import (
	"errors"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// EventHeader contains the fields of a history event that are needed to follow a
// history.
type EventHeader struct {
	ID, TaskID int64
	Type       enums.EventType
}

var errNotEvent = errors.New("not a history event")

// ParseEventHeader reads the header from an event in wire form.
func ParseEventHeader(event []byte) (h EventHeader, err error) {
	const id, eventType, taskID = 1, 3, 5
	for len(event) > 0 {
		number, wireType, n := protowire.ConsumeField(event)
		if n < 0 {
			return h, errNotEvent
		}
		if wireType == protowire.VarintType {
			_, _, tag := protowire.ConsumeTag(event)
			value, _ := protowire.ConsumeVarint(event[tag:])
			switch int32(number) {
			case id:
				h.ID = int64(value) //nolint:gosec // protobuf's own conversion
			case eventType:
				h.Type = enums.EventType(value) //nolint:gosec // protobuf's own conversion
			case taskID:
				h.TaskID = int64(value) //nolint:gosec // protobuf's own conversion
			}
		}
		event = event[n:]
	}
	return h, nil
}

// Persisted reports whether the event is part of the stored history. The server also
// returns the scheduled and the started event of the workflow task in progress before
// it has stored them, and may store other events with the same ids instead. An event
// has a task id only after the server has stored it.
func (h EventHeader) Persisted() bool {
	return h.TaskID != 0 || h.Type != enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED && h.Type != enums.EVENT_TYPE_WORKFLOW_TASK_STARTED
}

// Closes reports whether the event is the last one of its run.
func (h EventHeader) Closes() bool {
	switch h.Type {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		return true
	default:
		return false
	}
}

// ParseCloseEvent parses a close event in wire form. The Run of the result is empty.
func ParseCloseEvent(event []byte) (*ClosedRun, error) {
	e := &history.HistoryEvent{}
	if err := proto.Unmarshal(event, e); err != nil {
		return nil, err
	}
	if closed := closeOf(e); closed != nil {
		return closed, nil
	}
	return nil, errNotEvent
}

// closeOf returns the ClosedRun for a close event, and nil for any other event.
func closeOf(event *history.HistoryEvent) *ClosedRun {
	closed := &ClosedRun{Event: event}
	switch a := event.GetAttributes().(type) {
	case *history.HistoryEvent_WorkflowExecutionCompletedEventAttributes:
		closed.NewRunID = a.WorkflowExecutionCompletedEventAttributes.GetNewExecutionRunId()
	case *history.HistoryEvent_WorkflowExecutionFailedEventAttributes:
		closed.NewRunID = a.WorkflowExecutionFailedEventAttributes.GetNewExecutionRunId()
	case *history.HistoryEvent_WorkflowExecutionTimedOutEventAttributes:
		closed.NewRunID = a.WorkflowExecutionTimedOutEventAttributes.GetNewExecutionRunId()
	case *history.HistoryEvent_WorkflowExecutionContinuedAsNewEventAttributes:
		closed.NewRunID = a.WorkflowExecutionContinuedAsNewEventAttributes.GetNewExecutionRunId()
	case *history.HistoryEvent_WorkflowExecutionCanceledEventAttributes,
		*history.HistoryEvent_WorkflowExecutionTerminatedEventAttributes:
	default:
		return nil
	}
	return closed
}
