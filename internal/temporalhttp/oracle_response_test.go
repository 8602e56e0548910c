package temporalhttp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
)

const historyPath = "/api/v1/namespaces/orders/workflows/order-1/history"

// largeHistory returns a response that exceeds the size from which the door streams it.
func largeHistory() *workflowservice.GetWorkflowExecutionHistoryResponse {
	response := &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{}}
	for i := range 200 {
		response.History.Events = append(response.History.Events, &history.HistoryEvent{
			EventId: int64(i + 1),
			Attributes: &history.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
				WorkflowExecutionSignaledEventAttributes: &history.WorkflowExecutionSignaledEventAttributes{
					Input: &common.Payloads{Payloads: []*common.Payload{{
						Metadata: map[string][]byte{"encoding": []byte("json/plain")},
						Data:     []byte(`{"text":"` + strings.Repeat("x", 4<<10) + `"}`),
					}}},
				},
			},
		})
	}
	return response
}

// get returns a GET request for a history, to which the upstream returns response.
func get(target string, response proto.Message) *oracleCase {
	return &oracleCase{rule: ruleOf("GetWorkflowExecutionHistory"), verb: http.MethodGet, target: target, header: http.Header{}, response: response}
}

func TestStreamedResponseEqualsTemporals(t *testing.T) {
	t.Parallel()
	s, response := newSides(t), largeHistory()
	for _, query := range []string{"", "?pretty", "?noPayloadShorthand", "?pretty&noPayloadShorthand"} {
		p := s.sendToBoth(t.Context(), get(historyPath+query, response))
		_, unknown := p.reconcile(differences())
		require.Empty(t, unknown, query)
		require.Greater(t, len(p.door.body), 800<<10, query)
	}
}

// The last field of the response is invalid. The door has already sent the status, so it
// can only abort the response.
func TestInvalidStreamedResponseIsAborted(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	for _, query := range []string{"", "?pretty"} {
		broken := largeHistory()
		broken.GetHistory().ProtoReflect().SetUnknown([]byte{0x0a, 0x05, 0x00, 0x01, 0x02, 0x03, 0x04}) // an event that is not a valid message
		require.PanicsWithValue(t, http.ErrAbortHandler, func() {
			s.mu.Lock()
			s.current = &fakeUpstream{response: broken}
			s.mu.Unlock()
			get(historyPath+query, broken).send(auth.WithPrincipal(t.Context(), administrator()), s.door)
		}, query)
	}
}

// The door encodes a small response before it sends the status, so the status can report
// the error.
func TestInvalidSmallResponseReturns502(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	broken := &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{}}
	broken.GetHistory().ProtoReflect().SetUnknown([]byte{0x0a, 0x05, 0x00, 0x01, 0x02, 0x03, 0x04})
	s.current = &fakeUpstream{response: broken}
	got := get(historyPath, broken).send(auth.WithPrincipal(t.Context(), administrator()), s.door)
	require.Equal(t, http.StatusBadGateway, got.status, "%s", got.body)
	require.True(t, json.Valid(got.body))
}

func TestDrainEndsOnlyReadsThatWait(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.current = &fakeUpstream{response: largeHistory()}
	s.api.Drain()
	ctx := auth.WithPrincipal(context.WithoutCancel(t.Context()), administrator())
	waiting := get(historyPath+"?waitNewEvent=true", s.current.response).send(ctx, s.door)
	require.Equal(t, http.StatusServiceUnavailable, waiting.status, "%s", waiting.body)
	require.NotEmpty(t, waiting.header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, get(historyPath, s.current.response).send(ctx, s.door).status)
}
