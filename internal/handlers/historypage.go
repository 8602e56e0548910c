package handlers

import (
	"bytes"
	"context"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/upstream"
)

// historyKey names what is read of a run's history.
type historyKey struct {
	namespace, workflowID, runID string
	filter                       enums.HistoryEventFilterType
}

// closesOnly reports whether it is the run's close event alone.
func (h historyKey) closesOnly() bool {
	return h.filter == enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT
}

// historyPage is a part of it on the wire, and where it goes on.
type historyPage struct {
	response upstream.Response
	items    [][]byte
	token    []byte
}

// pollHistoryPage gets the page at token, or waits for it when there is nothing yet.
// Its items are gone with the answer's release, its token is not.
func pollHistoryPage(ctx context.Context, client *upstream.Client, of historyKey, token []byte, size int32) (*historyPage, error) {
	got, err := client.Call(ctx, workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		&workflowservice.GetWorkflowExecutionHistoryRequest{
			Namespace: of.namespace, Execution: &common.WorkflowExecution{WorkflowId: of.workflowID, RunId: of.runID},
			MaximumPageSize: size, NextPageToken: token, WaitNewEvent: true, HistoryEventFilterType: of.filter,
			SkipArchival: true,
		})
	if err != nil {
		return nil, err
	}
	items, next := splitEvents(got.Bytes())
	return &historyPage{response: got, items: items, token: bytes.Clone(next)}, nil
}
