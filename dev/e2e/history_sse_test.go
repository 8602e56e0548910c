package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	sdkworkflow "go.temporal.io/sdk/workflow"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/stack"
	"github.com/flowgate/flowgate/dev/temporal"
)

// sentEvent is one event of a text/event-stream response. kind is the field "event".
type sentEvent struct{ id, kind, data string }

// eventReader parses an event stream. It supports the part of the HTML standard that the gateway uses.
type eventReader struct{ lines *bufio.Reader }

func newEventReader(body io.Reader) *eventReader { return &eventReader{bufio.NewReader(body)} }

// next returns the next event. It discards an incomplete event.
func (r *eventReader) next() (sentEvent, error) {
	var e sentEvent
	for {
		line, err := r.lines.ReadString('\n')
		if err != nil && line != "" {
			return e, fmt.Errorf("the stream ends within the line %q: %w", line, io.ErrUnexpectedEOF)
		}
		if err != nil {
			return e, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.kind = value
		case "data":
			e.data += value
		case "retry":
		case "":
			if line != "\n" {
				continue // a comment
			}
			if e.data == "" {
				return e, errors.New("the stream has a block without data, which common parsers return as an empty event")
			}
			return e, nil
		default:
			return e, fmt.Errorf("unknown field %q", name)
		}
	}
}

// openEventStream requests the events of a history after the event with the id after, or all events if it is empty. It
// returns no reader if the response is 204, which means that there are no further events.
func openEventStream(ctx context.Context, t *testing.T, c caller, path, after string) (events *eventReader, closeStream func()) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	require.NoError(t, err)
	request.Header = c.with("Accept", typeEvents).header
	if after != "" {
		request.Header.Set("Last-Event-ID", after)
	}
	response, err := c.client.Do(request) //nolint:bodyclose // closeStream closes it
	require.NoError(t, err)
	closeStream = func() { _ = response.Body.Close() } // a test may close the stream before its end
	if response.StatusCode == http.StatusNoContent {
		return nil, closeStream
	}
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, typeEvents, response.Header.Get("Content-Type"))
	return newEventReader(response.Body), closeStream
}

// eventsFromPages reads the events of all runs of a closed workflow in pages. It returns them in the form in which a
// stream contains them: the id of an event is its run id, a slash and its event id.
func eventsFromPages(t *testing.T, first started, query string) []sentEvent {
	t.Helper()
	var all []sentEvent
	for run := first; run.RunID != ""; {
		page := historyPage(t, writer(), historyPath(run)+"&pageSize=1000"+query)
		require.Empty(t, page.NextPageToken)
		for _, text := range page.Events {
			all = append(all, sentEvent{id: run.RunID + "/" + as[event](t, apiResponse{body: text}).EventID, data: string(text)})
		}
		run.RunID = as[outcome](t, writer().get(t, workflowPath(run.WorkflowID, "/result?followRuns=false&runId="+run.RunID)).expect(t, http.StatusOK)).NewRunID
	}
	return all
}

// multiRunWorkflow runs the given number of activities one after another, and continues as new until it has had the
// given number of runs.
func multiRunWorkflow(ctx sdkworkflow.Context, runs, activities int) error {
	ctx = sdkworkflow.WithActivityOptions(ctx, sdkworkflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	for range activities {
		if err := sdkworkflow.ExecuteActivity(ctx, "act").Get(ctx, nil); err != nil {
			return err
		}
	}
	if runs > 1 {
		return sdkworkflow.NewContinueAsNewError(ctx, "MultiRun", runs-1, activities)
	}
	return nil
}

func noop() error { return nil }

// startMultiRun starts a MultiRun workflow and a worker for it.
func startMultiRun(t *testing.T, runs, activities int) started {
	t.Helper()
	queue := "multi-run-" + newID(t)
	w := worker.New(shared.stack.Client(), queue, worker.Options{})
	w.RegisterWorkflowWithOptions(multiRunWorkflow, sdkworkflow.RegisterOptions{Name: "MultiRun"})
	w.RegisterActivityWithOptions(noop, activity.RegisterOptions{Name: "act"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	body := startBody("MultiRun", newID(t), queue, fmt.Sprintf(`"args":[%d,%d]`, runs, activities))
	return as[started](t, writer().post(t, workflows, body).expect(t, http.StatusCreated))
}

// TestSSEReconnectingClientReceivesEachEventOnce reconnects to alternating replicas while the workflow runs and
// continues as new. The client closes each connection after a few events, or before the first one.
func TestSSEReconnectingClientReceivesEachEventOnce(t *testing.T) {
	t.Parallel()
	const seed, runs, maxEvents = 83, 6, 8
	reconnects, activities := 100, 14
	if testing.Short() {
		reconnects, activities = 20, 4
	}
	random := rand.New(rand.NewPCG(seed, seed)) // a fixed seed makes failures reproducible
	s := startMultiRun(t, runs, activities)
	path := historyPath(s) + "&payloads=raw"
	var received []sentEvent
	last, ended := "", false
	connections := 0
	for ; !ended; connections++ {
		events, closeStream := openEventStream(t.Context(), t, writer().onGateway(shared.replicas[connections%2]), path, last)
		require.NotNil(t, events, "the stream has not ended")
		for left := random.IntN(maxEvents); left > 0 || connections >= reconnects; left-- { // the last connection reads until the end
			e, err := events.next()
			require.NoError(t, err)
			if ended = e.kind == "end"; ended {
				require.Contains(t, e.data, `"status":"COMPLETED"`)
				break
			}
			received, last = append(received, e), e.id
		}
		closeStream()
	}
	want := eventsFromPages(t, s, "&payloads=raw")
	t.Logf("seed %d: %d connections, %d closed early; %d events of %d runs", seed, connections, connections-1, len(received), runs)
	require.Equal(t, want, received, "each event once and in order")
	require.GreaterOrEqual(t, connections, reconnects)
	again, closeStream := openEventStream(t.Context(), t, writer(), path, last)
	defer closeStream()
	require.Nil(t, again, "no events after the end")
}

// TestSSEEqualsPages compares the events of complete streams with those of pages.
func TestSSEEqualsPages(t *testing.T) {
	t.Parallel()
	s := start(t, "Chain", `"args":[{"times":3}]`, `"memo":{"odd":`+unusualValue+`}`)
	awaitOutcome(t, s.WorkflowID)
	for _, query := range []string{"", "&payloads=decoded", "&payloads=raw", "&eventFilterType=ALL_EVENT"} {
		a := writer().with("Accept", typeEvents).get(t, historyPath(s)+query+"&pageSize=2").expect(t, http.StatusOK)
		var got []sentEvent
		stream := newEventReader(bytes.NewReader(a.body))
		e, err := stream.next()
		for ; err == nil && e.kind == ""; e, err = stream.next() {
			got = append(got, e)
		}
		require.NoError(t, err)
		require.Equal(t, "end", e.kind)
		require.Equal(t, eventsFromPages(t, s, query), got, query)
	}
	closes := writer().with("Accept", typeEvents).get(t, historyPath(s)+"&eventFilterType=CLOSE_EVENT").expect(t, http.StatusOK)
	require.Equal(t, 4, bytes.Count(closes.body, []byte("\nid: ")), "one close event per run")
	oneRun := writer().with("Accept", typeEvents).get(t, historyPath(s)+"&followRuns=false").expect(t, http.StatusOK)
	require.Contains(t, string(oneRun.body), `"status":"CONTINUED_AS_NEW","newRunId":"`)
	writer().with("Accept", typeEvents).with("Last-Event-ID", s.RunID+"/1000").get(t, historyPath(s)).problem(t, http.StatusBadRequest, "invalid-request")
	writer().with("Accept", typeEvents).with("Last-Event-ID", "00000000-0000-4000-8000-000000000000/1").get(t, historyPath(s)).
		problem(t, http.StatusBadRequest, "invalid-request")
}

// TestSSEFollowsRetriesAndNotReusedIDs requires that a stream continues with the retry of a run, but not with a run of
// another workflow that reuses the workflow id.
func TestSSEFollowsRetriesAndNotReusedIDs(t *testing.T) {
	t.Parallel()
	s := start(t, "Fail", `"args":[{"attempts":2}]`, `"retryPolicy":{"initialInterval":"100ms","maximumAttempts":3}`)
	a := writer().with("Accept", typeEvents).get(t, historyPath(s)).expect(t, http.StatusOK)
	require.Equal(t, len(eventsFromPages(t, s, "")), bytes.Count(a.body, []byte("\nid: ")))

	first := startWithoutWorker(t)
	terminate(t, first.WorkflowID)
	second := startWithoutWorkerWithID(t, first.WorkflowID)
	terminate(t, first.WorkflowID)
	events := writer().with("Accept", typeEvents)
	events.get(t, historyPath(second)+"&lastEventId="+first.RunID+"/1").problem(t, http.StatusBadRequest, "invalid-request")
	remaining := events.get(t, workflowPath(first.WorkflowID, "/history?lastEventId=", first.RunID+"/1")).expect(t, http.StatusOK)
	require.Contains(t, string(remaining.body), first.RunID+"/3", "the stream continues in the run of the event id")
	require.NotContains(t, string(remaining.body), second.RunID)
}

// TestSSEOmitsTransientEvents fails a workflow task. The server adds the events of the retried task to a page before it
// persists them, and it may never do so. A stream must not contain such events.
func TestSSEOmitsTransientEvents(t *testing.T) {
	t.Parallel()
	s, task := pollTask(t)
	_, err := shared.server.RespondWorkflowTaskFailed(t.Context(), &workflowservice.RespondWorkflowTaskFailedRequest{
		Namespace: temporal.DefaultNamespace, TaskToken: task.GetTaskToken(), Cause: enums.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
	})
	require.NoError(t, err)
	e2etest.Eventually(t, "the pages include the transient task", func() bool {
		return len(historyPage(t, writer(), historyPath(s)).Events) > describe(t, s.WorkflowID).HistoryLength
	})
	stored := describe(t, s.WorkflowID).HistoryLength
	events, closeStream := openEventStream(t.Context(), t, writer(), historyPath(s), "")
	defer closeStream()
	terminate(t, s.WorkflowID)
	var got []sentEvent
	for {
		e, err := events.next()
		require.NoError(t, err)
		if e.kind == "end" {
			break
		}
		got = append(got, e)
	}
	require.Equal(t, eventsFromPages(t, s, ""), got)
	require.Greater(t, len(got), stored)
}

// TestSSEWithDelegatedToken reads a stream with a delegated token, as a browser would.
func TestSSEWithDelegatedToken(t *testing.T) {
	t.Parallel()
	s := start(t, "Chain", `"args":[{"times":1}]`)
	awaitOutcome(t, s.WorkflowID)
	tokenHolder := bearer(issueDelegatedToken(t, writer(), s.WorkflowID, `{"read":true,"ttl":"5m"}`)).with("Accept", typeEvents)
	a := tokenHolder.get(t, historyPath(s)).expect(t, http.StatusOK)
	require.Contains(t, string(a.body), `"status":"COMPLETED"`)
	tokenHolder.get(t, workflowPath(newID(t), "/history")).problem(t, http.StatusForbidden, "operation-forbidden")
	issued := as[struct{ Token string }](t, writer().post(t, workflowPath(s.WorkflowID, "/tokens", runIDQuery(s.RunID)), `{"read":true}`).expect(t, http.StatusCreated))
	oneRun := bearer(issued.Token).with("Accept", typeEvents).get(t, historyPath(s)).expect(t, http.StatusOK)
	require.Contains(t, string(oneRun.body), `"status":"CONTINUED_AS_NEW"`, "the token permits no other run")
}

// TestSSEContinuesAtAnotherReplicaAfterDrain shuts down the replica that serves a stream.
func TestSSEContinuesAtAnotherReplicaAfterDrain(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t)
	s := startWithoutWorker(t)
	events, closeStream := openEventStream(t.Context(), t, writer().onGateway(gateway), historyPath(s), "")
	defer closeStream()
	last := readEvents(t, events, 2)
	e2etest.Eventually(t, "the stream waits for an event", func() bool { return e2etest.Metric(t, gateway, "flowgate_in_flight", `kind="wait"`) == 1 })
	require.NoError(t, gateway.Signal(syscall.SIGTERM))
	_, err := events.next()
	require.ErrorIs(t, err, io.EOF, "the stream ends without the end event and without an error")
	awaitExit(t, gateway)
	require.NoError(t, gateway.Err())
	terminate(t, s.WorkflowID)
	requireRemainingEvents(t, shared.replicas[0], s, last, 1)
}

// readEvents reads n events and returns the id of the last one.
func readEvents(t *testing.T, events *eventReader, n int) (id string) {
	t.Helper()
	for range n {
		e, err := events.next()
		require.NoError(t, err)
		require.Empty(t, e.kind)
		require.True(t, json.Valid([]byte(e.data)), e.data)
		id = e.id
	}
	return id
}

// requireRemainingEvents opens a stream after the event last, and requires n events and the end of the stream.
func requireRemainingEvents(t *testing.T, gateway *stack.Gateway, s started, last string, n int) {
	t.Helper()
	events, closeStream := openEventStream(t.Context(), t, writer().onGateway(gateway), historyPath(s), last)
	defer closeStream()
	readEvents(t, events, n)
	e, err := events.next()
	require.NoError(t, err)
	require.Equal(t, "end", e.kind)
}
