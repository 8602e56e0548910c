package handlers

import (
	"errors"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// eventHeader is what tells an event of a history from the others.
type eventHeader struct {
	id, taskID int64
	kind       enums.EventType
}

var errNotEvent = errors.New("not a history event")

// parseEventHeader reads it from the event's wire form.
func parseEventHeader(event []byte) (h eventHeader, err error) {
	const id, kind, taskID = 1, 3, 5
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
				h.id = int64(value) //nolint:gosec // as protobuf has it
			case kind:
				h.kind = enums.EventType(value) //nolint:gosec // as protobuf has it
			case taskID:
				h.taskID = int64(value) //nolint:gosec // as protobuf has it
			}
		}
		event = event[n:]
	}
	return h, nil
}

// persisted reports whether the event is in the history to stay. To those that
// are, the server adds the workflow task that is under way and may leave no
// trace: other events can come to have the same ids. Nothing has given it a
// place in the queue of things done, which is the task id.
func (h eventHeader) persisted() bool {
	return h.taskID != 0 || h.kind != enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED && h.kind != enums.EVENT_TYPE_WORKFLOW_TASK_STARTED
}

// closes reports whether the event is the last one of its run.
func (h eventHeader) closes() bool {
	switch h.kind {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		return true
	default:
		return false
	}
}

// parseOutcome reads a close event.
func parseOutcome(event []byte) (*Outcome, error) {
	e := &history.HistoryEvent{}
	if err := proto.Unmarshal(event, e); err != nil {
		return nil, err
	}
	if o := outcomeOf(e); o != nil {
		return o, nil
	}
	return nil, errNotEvent
}
