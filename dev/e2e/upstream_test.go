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

// serverHistory reads the history of a run directly from the server. If runID is empty, it reads the latest run.
func serverHistory(t *testing.T, workflowID, runID string) []*history.HistoryEvent {
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

// serverEvents returns the events of one type in serverHistory.
func serverEvents(t *testing.T, workflowID, runID string, kind enums.EventType) []*history.HistoryEvent {
	t.Helper()
	var found []*history.HistoryEvent
	for _, event := range serverHistory(t, workflowID, runID) {
		if event.GetEventType() == kind {
			found = append(found, event)
		}
	}
	return found
}

// serverStartedEvent returns the attributes of the first event of a run, from the server.
func serverStartedEvent(t *testing.T, s started) *history.WorkflowExecutionStartedEventAttributes {
	t.Helper()
	return serverHistory(t, s.WorkflowID, s.RunID)[0].GetWorkflowExecutionStartedEventAttributes()
}

// describeOnServer calls DescribeWorkflowExecution of the server.
func describeOnServer(t *testing.T, workflowID, runID string) *workflowservice.DescribeWorkflowExecutionResponse {
	t.Helper()
	info, err := shared.server.DescribeWorkflowExecution(t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: temporal.DefaultNamespace,
		Execution: &common.WorkflowExecution{WorkflowId: workflowID, RunId: runID},
	})
	require.NoError(t, err)
	return info
}

// payloadData returns the data of the payloads. It requires that each has the encoding.
func payloadData(t *testing.T, encoding string, payloads *common.Payloads) []string {
	t.Helper()
	data := make([]string, len(payloads.GetPayloads()))
	for i, p := range payloads.GetPayloads() {
		require.Equal(t, encoding, string(p.GetMetadata()["encoding"]), "payload %d", i)
		data[i] = string(p.GetData())
	}
	return data
}
