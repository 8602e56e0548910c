package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

const (
	// starters is the number of clients that send starts with an Idempotency-Key.
	starters = 8
	// repeatDelay is the delay before a start is sent again.
	repeatDelay = time.Second
	// downtime is the time between the end of a replica and its restart.
	downtime = 2 * time.Second
)

// RequireDocumentedLoss kills a replica while clients of every kind call it through a load balancer. Only writes in flight
// on this replica may fail, with 502, and responses that it was sending may break. Other clients send starts with an
// Idempotency-Key, and repeat those that fail: each workflow is started once.
func RequireDocumentedLoss(t *testing.T, l *Load, replicas *deploytest.Replicas) {
	t.Helper()
	l.Start(t)
	keyed := l.startKeyed(t)
	l.AwaitProgress(t, 1)
	replicas.Kill(t, 0)
	sleep(t.Context(), downtime)
	replicas.Start(t, 0)
	l.AwaitProgress(t, 1)
	ids := keyed.stop()
	l.Stop()
	for _, failure := range l.Failures() {
		t.Log(failure)
		requireDocumented(t, failure)
	}
	t.Logf("calls while a replica was killed:\n%s", l.Report())
	t.Logf("%d starts with an Idempotency-Key, of which %d were sent again after %v", len(ids), keyed.repeated, keyed.causes)
	l.requireStartedOnce(t, keyed.prefix, len(ids))
}

// requireDocumented requires that a failure is one that docs/operations.md announces for a replica that is killed.
func requireDocumented(t *testing.T, failure Failure) {
	t.Helper()
	require.NotErrorIs(t, failure.Err, ErrEvents)
	if failure.Err != nil && failure.Status != http.StatusBadGateway {
		require.Equal(t, http.StatusOK, failure.Status, "only a response that has begun may break: %s", failure)
		return
	}
	_, kind, _ := strings.Cut(failure.Client, ": ")
	require.Contains(t, []string{"start", "start and wait", "signal"}, kind, "only writes fail: %s", failure)
	require.Equal(t, http.StatusBadGateway, failure.Status, "%s", failure)
}

// keyedStarts are starts with an Idempotency-Key, which are repeated until they succeed.
type keyedStarts struct {
	prefix  string
	cancel  context.CancelFunc
	clients sync.WaitGroup

	mu       sync.Mutex
	ids      []string
	repeated int
	causes   map[string]int // of repeats, by status or error
}

func (l *Load) startKeyed(t testing.TB) *keyedStarts {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	k := &keyedStarts{prefix: l.target + "-keyed-", cancel: cancel, causes: map[string]int{}}
	t.Cleanup(func() { k.stop() })
	for i := range starters {
		client := l.newClient([]connections{keptAlive, multiplex, perCall}[i%3])
		k.clients.Go(func() {
			defer client.CloseIdleConnections()
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("%s%d-%d", k.prefix, i, n)
				c := l.startCall(id, "EchoPayload")
				c.headers = []string{"Idempotency-Key", id}
				k.untilStarted(l, client, c)
				k.mu.Lock()
				k.ids = append(k.ids, id)
				k.mu.Unlock()
				sleep(ctx, pause)
			}
		})
	}
	return k
}

// untilStarted sends a start, and sends it again as the guide says: after a lost connection and after 429, 502, 503
// and 504.
func (k *keyedStarts) untilStarted(l *Load, client *http.Client, c call) {
	for repeats := 0; ; repeats++ {
		result := l.call(context.Background(), client, c)
		if result.err == nil && result.status == http.StatusCreated {
			return
		}
		cause := strconv.Itoa(result.status)
		if result.err != nil {
			cause = "lost connection"
		} else if !slices.Contains([]int{429, 502, 503, 504}, result.status) {
			l.fail(Failure{Client: "start with a key", Status: result.status, Body: string(result.body)})
			return
		}
		k.mu.Lock()
		k.causes[cause]++
		if repeats == 0 {
			k.repeated++
		}
		k.mu.Unlock()
		sleep(context.Background(), repeatDelay)
	}
}

// stop ends the clients and returns the ids of all workflows that they started.
func (k *keyedStarts) stop() []string {
	k.cancel()
	k.clients.Wait()
	return k.ids
}

// requireStartedOnce requires that each of n workflows whose ids have the prefix keyed was started, and that no workflow
// of the load was started twice. A load balancer that repeats a start without an Idempotency-Key starts it twice.
func (l *Load) requireStartedOnce(t *testing.T, keyed string, n int) {
	t.Helper()
	var runs map[string]int // by id of the workflow
	require.Eventually(t, func() bool {
		runs = l.runs(t)
		found := 0
		for id := range runs {
			if strings.HasPrefix(id, keyed) {
				found++
			}
		}
		return found == n
	}, progressTimeout, pollInterval, "not all starts with a key have taken effect")
	for id, n := range runs {
		require.Equal(t, 1, n, "%s was started more than once", id)
	}
}

// runs returns the number of runs of each workflow that the clients have started.
func (l *Load) runs(t *testing.T) map[string]int {
	t.Helper()
	query := url.Values{"query": {fmt.Sprintf("WorkflowId STARTS_WITH '%s-'", l.target)}, "pageSize": {"1000"}, "limit": {"100000"}}
	result := l.call(t.Context(), l.newClient(perCall), call{
		method: http.MethodGet, path: l.workflows() + "?" + query.Encode(), headers: accept("application/x-ndjson"),
	})
	require.NoError(t, result.err)
	require.Equal(t, http.StatusOK, result.status, "%s", result.body)
	runs, err := countRuns(result.body)
	require.NoError(t, err)
	return runs
}

// countRuns returns the number of runs of each workflow in a list, which has a line for each run. A list of several pages
// can have a run twice: Temporal lists open runs first, so a run that closes between two pages moves to a later one.
func countRuns(list []byte) (map[string]int, error) {
	type run struct {
		WorkflowID string `json:"workflowId"`
		RunID      string `json:"runId"`
	}
	seen, runs := map[run]bool{}, map[string]int{}
	for line := range bytes.Lines(list) {
		var r run
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("line of a list: %w", err)
		}
		if !seen[r] {
			seen[r] = true
			runs[r.WorkflowID]++
		}
	}
	return runs, nil
}
