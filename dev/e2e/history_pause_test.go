package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSSEContinuesWhileWorkflowIsPaused reads one stream that begins before a pause and one that begins during it. Both
// must continue until the workflow closes, although the server ends a poll of a paused run as if the run had closed.
func TestSSEContinuesWhileWorkflowIsPaused(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	poke := func() {
		t.Helper()
		writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"poke"}`).expect(t, http.StatusNoContent)
	}
	path := historyPath(s)
	fromBefore, closeBefore := openEventStream(t.Context(), t, writer(), path, "")
	defer closeBefore()
	readEvents(t, fromBefore, 2)
	writer().post(t, workflowPath(s.WorkflowID, "/pause"), `{"reason":"the bank is down"}`).expect(t, http.StatusNoContent)
	fromPause, closeFromPause := openEventStream(t.Context(), t, writer(), path, readEvents(t, fromBefore, 1))
	defer closeFromPause()
	closeEvents, closeCloseEvents := openEventStream(t.Context(), t, writer(), path+"&eventFilterType=CLOSE_EVENT", "")
	defer closeCloseEvents()
	received := 3
	for _, action := range []func(){
		poke,
		func() { writer().post(t, workflowPath(s.WorkflowID, "/unpause"), "").expect(t, http.StatusNoContent) },
		poke,
		func() { terminate(t, s.WorkflowID) },
	} {
		action()
		length := describe(t, s.WorkflowID).HistoryLength // one action can add more than one event
		last := fmt.Sprintf("%s/%d", s.RunID, length)
		require.Equal(t, last, readEvents(t, fromBefore, length-received))
		require.Equal(t, last, readEvents(t, fromPause, length-received))
		received = length
	}
	require.Equal(t, fmt.Sprintf("%s/%d", s.RunID, received), readEvents(t, closeEvents, 1), "only the last event is a close event")
	for _, events := range []*eventReader{fromBefore, fromPause, closeEvents} {
		e, err := events.next()
		require.NoError(t, err)
		require.Equal(t, "end", e.kind)
	}
}
