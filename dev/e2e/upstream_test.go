package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/dev/temporal"
)

// historyOf returns the history of a run from the server, with payloads not decoded. An empty run id means the latest
// run.
func historyOf(t *testing.T, workflowID, runID string) []*history.HistoryEvent {
	t.Helper()
	request := &workflowservice.GetWorkflowExecutionHistoryRequest{
		Namespace: temporal.DefaultNamespace,
		Execution: &common.WorkflowExecution{WorkflowId: workflowID, RunId: runID},
	}
	var events []*history.HistoryEvent
	for {
		page, err := shared.server.GetWorkflowExecutionHistory(t.Context(), request)
		require.NoError(t, err)
		events = append(events, page.GetHistory().GetEvents()...)
		if request.NextPageToken = page.GetNextPageToken(); len(request.GetNextPageToken()) == 0 {
			return events
		}
	}
}

// eventsOf returns the events of one type.
func eventsOf(t *testing.T, workflowID, runID string, kind enums.EventType) []*history.HistoryEvent {
	t.Helper()
	var found []*history.HistoryEvent
	for _, event := range historyOf(t, workflowID, runID) {
		if event.GetEventType() == kind {
			found = append(found, event)
		}
	}
	return found
}

// startOf returns the attributes of the start of a run.
func startOf(t *testing.T, s started) *history.WorkflowExecutionStartedEventAttributes {
	t.Helper()
	return historyOf(t, s.WorkflowID, s.RunID)[0].GetWorkflowExecutionStartedEventAttributes()
}

// infoOf returns the description of a run from the server.
func infoOf(t *testing.T, workflowID, runID string) *workflowservice.DescribeWorkflowExecutionResponse {
	t.Helper()
	info, err := shared.server.DescribeWorkflowExecution(t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: temporal.DefaultNamespace,
		Execution: &common.WorkflowExecution{WorkflowId: workflowID, RunId: runID},
	})
	require.NoError(t, err)
	return info
}

// dataOf returns the data of payloads, which must all have the encoding.
func dataOf(t *testing.T, encoding string, payloads *common.Payloads) []string {
	t.Helper()
	data := make([]string, len(payloads.GetPayloads()))
	for i, p := range payloads.GetPayloads() {
		require.Equal(t, encoding, string(p.GetMetadata()["encoding"]), "payload %d", i)
		data[i] = string(p.GetData())
	}
	return data
}
