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

// largeHistory is larger than a response that is made whole before it is sent.
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

func get(target string, response proto.Message) *oracleCase {
	return &oracleCase{rule: ruleOf("GetWorkflowExecutionHistory"), verb: http.MethodGet, target: target, header: http.Header{}, answer: response}
}

func TestLargeResponsesAreTemporalsInEveryForm(t *testing.T) {
	t.Parallel()
	s, response := newSides(t), largeHistory()
	for _, query := range []string{"", "?pretty", "?noPayloadShorthand", "?pretty&noPayloadShorthand"} {
		p := s.both(t.Context(), get(historyPath+query, response))
		_, other := p.reconcile(differences())
		require.Empty(t, other, query)
		require.Greater(t, len(p.door.body), 800<<10, query)
	}
}

// TestALargeResponseThatBreaksOffIsCut sends a response whose last field is not
// valid: after the status has been sent, only an abort can say so.
func TestALargeResponseThatBreaksOffIsCut(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	for _, query := range []string{"", "?pretty"} {
		broken := largeHistory()
		broken.GetHistory().ProtoReflect().SetUnknown([]byte{0x0a, 0x05, 0x00, 0x01, 0x02, 0x03, 0x04}) // an event that is no message
		require.PanicsWithValue(t, http.ErrAbortHandler, func() {
			x := &exchange{answer: broken}
			s.mu.Lock()
			s.current = x
			s.mu.Unlock()
			get(historyPath+query, broken).send(auth.WithPrincipal(t.Context(), almighty()), s.door)
		}, query)
	}
}

// TestAResponseThatCannotBeReadIs502 sends a small one, which is made whole first.
func TestAResponseThatCannotBeReadIs502(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	broken := &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{}}
	broken.GetHistory().ProtoReflect().SetUnknown([]byte{0x0a, 0x05, 0x00, 0x01, 0x02, 0x03, 0x04})
	s.current = &exchange{answer: broken}
	got := get(historyPath, broken).send(auth.WithPrincipal(t.Context(), almighty()), s.door)
	require.Equal(t, http.StatusBadGateway, got.status, "%s", got.body)
	require.True(t, json.Valid(got.body))
}

// TestDrainEndsWaits holds that a read that waits ends with 503, and a call that
// does not wait is served.
func TestDrainEndsWaits(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.current = &exchange{answer: largeHistory()}
	s.rpc.Drain()
	ctx := auth.WithPrincipal(context.WithoutCancel(t.Context()), almighty())
	waiting := get(historyPath+"?waitNewEvent=true", s.current.answer).send(ctx, s.door)
	require.Equal(t, http.StatusServiceUnavailable, waiting.status, "%s", waiting.body)
	require.NotEmpty(t, waiting.header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, get(historyPath, s.current.answer).send(ctx, s.door).status)
}
