package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/stack"
)

// startConcurrentWaits sends the same wait n times concurrently and returns when all requests are waiting. The returned
// function waits for the responses and returns them.
func startConcurrentWaits(t *testing.T, gateway *stack.Gateway, c caller, path string, n int) func() []apiResponse {
	t.Helper()
	before := int(e2etest.Metric(t, gateway, "flowgate_wait_callers"))
	responses, errs := make([]apiResponse, n), make([]error, n)
	var waiting sync.WaitGroup
	for i := range n {
		waiting.Go(func() { responses[i], errs[i] = c.onGateway(gateway).send(t.Context(), http.MethodGet, path, "") })
	}
	e2etest.Eventually(t, fmt.Sprintf("%d callers wait", n), func() bool {
		return int(e2etest.Metric(t, gateway, "flowgate_wait_callers")) == before+n
	})
	return func() []apiResponse {
		waiting.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		return responses
	}
}

func TestEqualWaitsShareOnePoll(t *testing.T) {
	t.Parallel()
	const callers = 200
	gateway := startGatewayForTest(t)
	s := start(t, "Wait")
	responses := startConcurrentWaits(t, gateway, writer(), workflowPath(s.WorkflowID, "/result?wait=50s"), callers)
	require.Equal(t, 1, int(e2etest.Metric(t, gateway, "flowgate_wait_polls")))

	signalFinish(t, s.WorkflowID, unusualValue)
	for _, a := range responses() {
		o := as[outcome](t, a.expect(t, http.StatusOK))
		require.Equal(t, []string{s.RunID, "COMPLETED", unusualValue}, []string{o.RunID, o.Status, string(o.Result)})
	}
	require.LessOrEqual(t, historyCalls(t, gateway), 3)
	e2etest.Eventually(t, "all waits have ended", func() bool {
		return e2etest.Metric(t, gateway, "flowgate_wait_callers")+e2etest.Metric(t, gateway, "flowgate_wait_polls") == 0
	})
}

func TestDifferentWaitsDoNotShare(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t)
	one, two := start(t, "Wait"), start(t, "Wait")
	paths := []string{
		workflowPath(one.WorkflowID, "/result?wait=50s"),
		workflowPath(one.WorkflowID, "/result?wait=50s&followRuns=false"),
		workflowPath(two.WorkflowID, "/result?wait=50s"),
	}
	var all []func() []apiResponse
	for _, path := range paths {
		all = append(all, startConcurrentWaits(t, gateway, writer(), path, 2))
	}
	traced := writer().with("Grpc-Metadata-Trace-Id", "t-1")
	all = append(all, startConcurrentWaits(t, gateway, traced, paths[0], 2))
	require.Equal(t, len(all), int(e2etest.Metric(t, gateway, "flowgate_wait_polls")))
	signalFinish(t, one.WorkflowID, "1")
	signalFinish(t, two.WorkflowID, "2")
	for i, responses := range all {
		want := map[bool]string{true: "2", false: "1"}[i == 2]
		for _, a := range responses() {
			require.Equal(t, want, string(as[outcome](t, a.expect(t, http.StatusOK)).Result))
		}
	}
}

func TestCallersThatShareOnePollReceiveRequestedFormats(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t)
	s := startWithoutWorker(t)
	withDefaultStatus := startConcurrentWaits(t, gateway, writer(), workflowPath(s.WorkflowID, "/result?wait=50s"), 2)
	withFailureStatus := startConcurrentWaits(t, gateway, reader(), workflowPath(s.WorkflowID, "/result?wait=40s&failureStatus=422"), 2)
	terminate(t, s.WorkflowID)
	for _, a := range withDefaultStatus() {
		a.expect(t, http.StatusOK)
	}
	for _, a := range withFailureStatus() {
		a.expect(t, http.StatusUnprocessableEntity)
	}
}

func TestPollEndsWithLastCaller(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t)
	s := startWithoutWorker(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := writer().onGateway(gateway).send(ctx, http.MethodGet, workflowPath(s.WorkflowID, "/result?wait=50s"), "")
		done <- err
	}()
	e2etest.Eventually(t, "the caller waits", func() bool { return e2etest.Metric(t, gateway, "flowgate_wait_polls") == 1 })
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	e2etest.Eventually(t, "the poll has ended", func() bool {
		return e2etest.Metric(t, gateway, "flowgate_wait_callers")+e2etest.Metric(t, gateway, "flowgate_wait_polls") == 0
	})
	terminate(t, s.WorkflowID)
}

func TestSSEReadersOfOneRunShareOnePoll(t *testing.T) {
	t.Parallel()
	const readers, pokes = 50, 20
	gateway := startGatewayForTest(t)
	s := startWithoutWorker(t)
	streams := make([]*eventReader, readers)
	for i := range streams {
		var closeStream func()
		streams[i], closeStream = openEventStream(t.Context(), t, writer().onGateway(gateway), historyPath(s), "")
		t.Cleanup(closeStream)
		readEvents(t, streams[i], 2)
	}
	e2etest.Eventually(t, "all readers wait", func() bool { return int(e2etest.Metric(t, gateway, "flowgate_wait_callers")) == readers })
	require.Equal(t, 1, int(e2etest.Metric(t, gateway, "flowgate_wait_polls")))
	before := historyCalls(t, gateway)
	for range pokes {
		writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"poke"}`).expect(t, http.StatusNoContent)
	}
	terminate(t, s.WorkflowID)
	all := eventsFromPages(t, s, "")
	for _, events := range streams {
		for _, want := range all[2:] {
			e, err := events.next()
			require.NoError(t, err)
			require.Equal(t, want, e)
		}
	}
	require.LessOrEqual(t, historyCalls(t, gateway)-before, 2*(pokes+1), "about one poll per event; twice as many are tolerated")
	e2etest.Eventually(t, "all waits have ended", func() bool {
		return e2etest.Metric(t, gateway, "flowgate_wait_callers")+e2etest.Metric(t, gateway, "flowgate_wait_polls") == 0
	})
}

// TestOutcomesAreNotMixedUp waits for many workflows concurrently. Each completes with a different result.
func TestOutcomesAreNotMixedUp(t *testing.T) {
	t.Parallel()
	const n = 20
	var all []started
	for range n {
		all = append(all, start(t, "Wait"))
	}
	got, errs := make([]apiResponse, n), make([]error, n)
	var waiting sync.WaitGroup
	for i, s := range all {
		waiting.Go(func() {
			got[i], errs[i] = writer().send(t.Context(), http.MethodGet, workflowPath(s.WorkflowID, "/result?wait=50s"), "")
		})
	}
	for _, s := range all {
		signalFinish(t, s.WorkflowID, quote(s.WorkflowID))
	}
	waiting.Wait()
	for i, s := range all {
		require.NoError(t, errs[i])
		require.Equal(t, json.RawMessage(quote(s.WorkflowID)), as[outcome](t, got[i].expect(t, http.StatusOK)).Result)
	}
}
