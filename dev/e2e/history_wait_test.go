package e2e_test

import (
	"encoding/json"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/stack"
)

// getWhileWaiting sends a wait to a gateway that serves no other request. When the gateway is waiting, it calls
// endWait, which causes the event that the wait is for. It returns the response.
func getWhileWaiting(t *testing.T, gateway *stack.Gateway, path string, endWait func()) apiResponse {
	t.Helper()
	type result struct {
		response apiResponse
		err      error
	}
	done := make(chan result, 1)
	go func() {
		a, err := writer().onGateway(gateway).send(t.Context(), http.MethodGet, path, "")
		done <- result{a, err}
	}()
	e2etest.Eventually(t, "the gateway waits", func() bool {
		return e2etest.Metric(t, gateway, "flowgate_in_flight", `kind="wait"`) == 1
	})
	select {
	case r := <-done:
		require.FailNow(t, "the request did not wait", "%d: %s", r.response.status, r.response.body)
	default:
	}
	endWait()
	r := <-done
	require.NoError(t, r.err)
	return r.response
}

// TestHistoryIsFollowedToEnd receives the existing events immediately and each new event when it occurs. The page with
// the close event has no token.
func TestHistoryIsFollowedToEnd(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t)
	s := startWithoutWorker(t)
	path := historyPath(s) + "&waitNewEvent=true"
	page := historyPage(t, writer().onGateway(gateway), path)
	events := page.Events
	require.Len(t, events, 2)
	for _, step := range []struct {
		eventType string
		do        func()
	}{
		{"EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED", func() {
			writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"poke","args":[`+unusualValue+`]}`).expect(t, http.StatusNoContent)
		}},
		{"EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED", func() {
			writer().post(t, workflowPath(s.WorkflowID, "/cancel"), "").expect(t, http.StatusNoContent)
		}},
		{"EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED", func() { terminate(t, s.WorkflowID) }},
	} {
		require.NotEmpty(t, page.NextPageToken, "the run has not closed")
		a := getWhileWaiting(t, gateway, path+"&pageToken="+page.NextPageToken, step.do).expect(t, http.StatusOK)
		page = as[workflowHistory](t, a)
		require.Equal(t, []string{step.eventType}, eventTypes(t, len(events)+1, page.Events))
		events = append(events, page.Events...)
	}
	require.Empty(t, page.NextPageToken, "the run has closed")
	require.Equal(t, historyPage(t, writer(), historyPath(s)).Events, events)
}

// TestHistoryOfRunningWorkflowIsFollowed waits for the events of a workflow on which a worker makes progress.
func TestHistoryOfRunningWorkflowIsFollowed(t *testing.T) {
	t.Parallel()
	s := start(t, "Sleep", `"args":[{"seconds":1}]`)
	path := historyPath(s) + "&waitNewEvent=true"
	var events []json.RawMessage
	for page := (workflowHistory{NextPageToken: "first"}); page.NextPageToken != ""; {
		token := ""
		if len(events) > 0 {
			token = "&pageToken=" + page.NextPageToken
		}
		page = historyPage(t, writer(), path+token)
		events = append(events, page.Events...)
	}
	types := eventTypes(t, 1, events)
	require.Contains(t, types, "EVENT_TYPE_TIMER_FIRED")
	require.Equal(t, "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED", types[len(types)-1])
	require.Equal(t, historyPage(t, writer(), historyPath(s)).Events, events)
}

// TestWaitForEventExpires sets short deadlines. The server ends a long poll one second before its deadline, and the
// gateway sets a deadline of at least two seconds, so a wait takes at least one second.
func TestWaitForEventExpires(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	path := historyPath(s) + "&waitNewEvent=true"
	page := historyPage(t, writer(), path)
	for timeout, wait := range map[string]time.Duration{"3s": 2 * time.Second, "1s": time.Second, "1ms": time.Second} {
		c := writer().with("Request-Timeout", timeout)
		requireDuration(t, wait, func() { page = historyPage(t, c, path+"&pageToken="+page.NextPageToken) })
		require.Empty(t, page.Events)
		require.NotEmpty(t, page.NextPageToken)
	}
	terminate(t, s.WorkflowID)
	page = historyPage(t, writer(), path+"&pageToken="+page.NextPageToken)
	require.Equal(t, []string{"EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED"}, eventTypes(t, 3, page.Events))
	require.Empty(t, page.NextPageToken)
}

func TestCloseEventFilterReturnsOneEvent(t *testing.T) {
	t.Parallel()
	s := start(t, "Echo", `"args":[`+unusualValue+`]`)
	awaitOutcome(t, s.WorkflowID)
	all := historyPage(t, writer(), historyPath(s)).Events
	want := all[len(all)-1]
	require.Contains(t, string(want), `"EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"`)
	for _, query := range []string{"", "&waitNewEvent=true", "&waitNewEvent=false", "&pageSize=1"} {
		page := historyPage(t, writer(), historyPath(s)+"&eventFilterType=CLOSE_EVENT"+query)
		require.Equal(t, []json.RawMessage{want}, page.Events, query)
		require.Empty(t, page.NextPageToken, query)
	}
	a := writer().with("Accept", typeNDJSON).get(t, historyPath(s)+"&eventFilterType=CLOSE_EVENT").expect(t, http.StatusOK)
	require.Equal(t, string(want)+"\n", string(a.body))
}

func TestCloseEventFilterWaitsForTheClose(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t)
	s := startWithoutWorker(t)
	path := historyPath(s) + "&eventFilterType=CLOSE_EVENT"
	a := getWhileWaiting(t, gateway, path, func() {
		writer().post(t, workflowPath(s.WorkflowID, "/terminate"), `{"reason":"stuck","details":[`+unusualValue+`]}`).expect(t, http.StatusNoContent)
	}).expect(t, http.StatusOK)
	page := as[workflowHistory](t, a)
	require.Equal(t, []string{"EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED"}, eventTypes(t, 3, page.Events))
	require.Contains(t, string(page.Events[0]), `"details":[`+unusualValue+`]`)
	require.Empty(t, page.NextPageToken)
}

// TestWaitForEventEndsAtDrain requires that a wait that a shutdown ends returns a token, with which the client can
// continue at another replica.
func TestWaitForEventEndsAtDrain(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	for query, needsToken := range map[string]bool{"&waitNewEvent=true": true, "&eventFilterType=CLOSE_EVENT": false} {
		gateway := startGatewayForTest(t)
		path := historyPath(s) + query
		if needsToken {
			path += "&pageToken=" + historyPage(t, writer().onGateway(gateway), path).NextPageToken
		}
		a := getWhileWaiting(t, gateway, path, func() { require.NoError(t, gateway.Signal(syscall.SIGTERM)) }).expect(t, http.StatusOK)
		page := as[workflowHistory](t, a)
		require.Empty(t, page.Events)
		require.NotEmpty(t, page.NextPageToken)
		<-gateway.Done()
		require.NoError(t, gateway.Err())
	}
	terminate(t, s.WorkflowID)
}
