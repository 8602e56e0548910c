package longpoll

import (
	"bytes"
	"context"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// HistoryKey names the events of a run that are read.
type HistoryKey struct {
	WorkflowID, RunID string
	Filter            enums.HistoryEventFilterType
}

// CloseOnly reports whether only the run's close event is read.
func (k HistoryKey) CloseOnly() bool { return k.Filter == enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT }

// Page is a part of a history on the wire.
type Page struct {
	// Response holds the memory of Events, which are invalid once it is released.
	Response upstream.Response
	Events   [][]byte
	// Token continues after the page. It is empty after the last one, and stays
	// valid after the release.
	Token []byte
}

// FetchPage returns the page at token with at most size events. When there are
// none yet it waits for them, as long as the call options in ctx allow.
func FetchPage(ctx context.Context, client *upstream.Client, key HistoryKey, token []byte, size int32) (*Page, error) {
	response, err := client.Call(ctx, workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		&workflowservice.GetWorkflowExecutionHistoryRequest{
			Namespace:       upstream.CallFrom(ctx).Namespace,
			Execution:       &common.WorkflowExecution{WorkflowId: key.WorkflowID, RunId: key.RunID},
			MaximumPageSize: size, NextPageToken: token, WaitNewEvent: true, HistoryEventFilterType: key.Filter,
			SkipArchival: true,
		})
	if err != nil {
		return nil, err
	}
	events, next := SplitEvents(response.Bytes())
	return &Page{Response: response, Events: events, Token: bytes.Clone(next)}, nil
}

// SplitEvents returns the events and the next page's token of a
// GetWorkflowExecutionHistoryResponse in wire form. They are parts of page.
func SplitEvents(page []byte) (events [][]byte, token []byte) {
	const historyField, tokenField, eventsField = 1, 3, 1
	for number, value := range transcode.Fields(page) {
		switch number {
		case tokenField:
			token = value
		case historyField:
			for number, event := range transcode.Fields(value) {
				if number == eventsField {
					events = append(events, event)
				}
			}
		default:
		}
	}
	return events, token
}
