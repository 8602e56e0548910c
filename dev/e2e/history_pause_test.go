package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSSEContinuesWhileWorkflowIsPaused reads one stream from before a pause to the end of the workflow, and one that
// begins during the pause. The server ends the history of a paused run as if the run had closed.
func TestSSEContinuesWhileWorkflowIsPaused(t *testing.T) {
	t.Parallel()
	s := startUnpolled(t)
	poke := func() {
		t.Helper()
		writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"poke"}`).expect(t, http.StatusNoContent)
	}
	path := historyPath(s)
	before, closeBefore := follow(t.Context(), t, writer(), path, "")
	defer closeBefore()
	readEvents(t, before, 2)
	writer().post(t, workflowPath(s.WorkflowID, "/pause"), `{"reason":"the bank is down"}`).expect(t, http.StatusNoContent)
	within, closeWithin := follow(t.Context(), t, writer(), path, readEvents(t, before, 1))
	defer closeWithin()
	closes, closeCloses := follow(t.Context(), t, writer(), path+"&eventFilterType=CLOSE_EVENT", "")
	defer closeCloses()
	received := 3
	for _, action := range []func(){
		poke,
		func() { writer().post(t, workflowPath(s.WorkflowID, "/unpause"), "").expect(t, http.StatusNoContent) },
		poke,
		func() { terminate(t, s.WorkflowID) },
	} {
		action()
		length := describe(t, s.WorkflowID).HistoryLength // may have grown by more than one event
		last := fmt.Sprintf("%s/%d", s.RunID, length)
		require.Equal(t, last, readEvents(t, before, length-received))
		require.Equal(t, last, readEvents(t, within, length-received))
		received = length
	}
	require.Equal(t, fmt.Sprintf("%s/%d", s.RunID, received), readEvents(t, closes, 1), "no other event closes the run")
	for _, events := range []*eventReader{before, within, closes} {
		e, err := events.next()
		require.NoError(t, err)
		require.Equal(t, "end", e.kind)
	}
}
