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

// HistoryKey identifies the events of a run that a caller reads.
type HistoryKey struct {
	WorkflowID, RunID string
	Filter            enums.HistoryEventFilterType
}

// CloseOnly reports whether the caller reads the close event only.
func (k HistoryKey) CloseOnly() bool { return k.Filter == enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT }

// Page is a page of a history in wire form.
type Page struct {
	// Response owns the memory of Events, which must not be used after its release.
	Response upstream.Response
	Events   [][]byte
	// Token is the token of the next page. It is empty on the last page, and
	// remains valid after the release of Response.
	Token []byte
}

// FetchPage returns the page at token, with at most size events. If there are no events
// yet, it waits for them, at most for the timeout in the call options of ctx.
func FetchPage(ctx context.Context, client *upstream.Client, key HistoryKey, token []byte, size int32) (*Page, error) {
	response, err := client.Call(ctx, workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		&workflowservice.GetWorkflowExecutionHistoryRequest{
			Namespace:       upstream.OptionsFrom(ctx).Namespace,
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

// SplitEvents returns the events and the next page token of page, which is a
// GetWorkflowExecutionHistoryResponse in wire form. Both share the memory of page.
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
