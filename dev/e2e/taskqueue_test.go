package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/activity/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/sample"
	"github.com/flowgate/flowgate/dev/stack"
)

// activityTask is an activity task that a poll has returned.
type activityTask struct {
	TaskToken       []byte            `json:"taskToken"`
	ActivityID      string            `json:"activityId"`
	ActivityType    string            `json:"activityType"`
	Attempt         int               `json:"attempt"`
	Args            []json.RawMessage `json:"args"`
	StartToClose    string            `json:"startToCloseTimeout"`
	HeartbeatDetail []json.RawMessage `json:"heartbeatDetails"`
}

// queuePath returns the path of a task queue, with rest appended.
func queuePath(namespace, queue, rest string) string {
	return "/v1/namespaces/" + namespace + "/task-queues/" + url.PathEscape(queue) + rest
}

// startActivity starts an activity without a workflow whose attempts may last for an hour.
func startActivity(t *testing.T, namespace, id, queue, arg string, maxAttempts int32) {
	t.Helper()
	_, err := shared.server.StartActivityExecution(t.Context(), &workflowservice.StartActivityExecutionRequest{
		Namespace: namespace, ActivityId: id, RequestId: id, ActivityType: &common.ActivityType{Name: "External"},
		TaskQueue:           &taskqueue.TaskQueue{Name: queue},
		StartToCloseTimeout: durationpb.New(time.Hour), RetryPolicy: &common.RetryPolicy{MaximumAttempts: maxAttempts},
		Input: jsonPayloads(arg),
	})
	require.NoError(t, err)
}

func jsonPayloads(text string) *common.Payloads {
	return &common.Payloads{Payloads: []*common.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(text)}}}
}

func completeActivity(ctx context.Context, namespace string, token []byte) error {
	_, err := shared.server.RespondActivityTaskCompleted(ctx, &workflowservice.RespondActivityTaskCompletedRequest{
		Namespace: namespace, TaskToken: token, Result: jsonPayloads(`"done"`),
	})
	return err
}

func describeActivityOnServer(t *testing.T, namespace, id string) *activity.ActivityExecutionInfo {
	t.Helper()
	description, err := shared.server.DescribeActivityExecution(t.Context(), &workflowservice.DescribeActivityExecutionRequest{Namespace: namespace, ActivityId: id})
	require.NoError(t, err)
	return description.GetInfo()
}

func TestAnHTTPClientWorksAsAnActivityWorker(t *testing.T) {
	t.Parallel()
	queue := newID(t) + "/ä"
	path := queuePath("default", queue, "/activities:poll")
	require.Empty(t, writer().post(t, path, "").expect(t, http.StatusNoContent).body)
	startActivity(t, "default", newID(t), queue, `{"amount":1.10,"n":12345678901234567890}`, 0)
	task := as[activityTask](t, writer().post(t, path+"?wait=30s", `{"identitySuffix":"w1","maxTasksPerSecond":1000}`).expect(t, http.StatusOK))
	require.Equal(t, "External", task.ActivityType)
	require.Equal(t, []json.RawMessage{json.RawMessage(`{"amount":1.10,"n":12345678901234567890}`)}, task.Args)
	require.Equal(t, 1, task.Attempt)
	require.Equal(t, "3600s", task.StartToClose)
	running := describeActivityOnServer(t, "default", task.ActivityID)
	require.Equal(t, "dev/w1", running.GetLastWorkerIdentity())
	require.NoError(t, completeActivity(t.Context(), "default", task.TaskToken))
	e2etest.Eventually(t, "the activity is complete", func() bool {
		return describeActivityOnServer(t, "default", task.ActivityID).GetStatus() == enums.ACTIVITY_EXECUTION_STATUS_COMPLETED
	})
	require.Empty(t, writer().post(t, queuePath("default", "-", "/activities:poll?taskQueue=")+url.QueryEscape(queue), "").expect(t, http.StatusNoContent).body)
}

func TestAPollerOfAVersionGetsItsTasksOnly(t *testing.T) {
	t.Parallel()
	queue, deployment := newID(t), newID(t)
	path := queuePath("default", queue, "/activities:poll?wait=2s")
	writer().post(t, path, `{"deploymentName":`+quote(deployment)+`,"buildId":"1.0"}`).expect(t, http.StatusNoContent)
	startActivity(t, "default", newID(t), queue, `1`, 0)
	writer().post(t, path, `{"deploymentName":`+quote(deployment)+`,"buildId":"1.0"}`).expect(t, http.StatusNoContent)
	task := as[activityTask](t, writer().post(t, path, "").expect(t, http.StatusOK))
	require.NoError(t, completeActivity(t.Context(), "default", task.TaskToken))
	e2etest.Eventually(t, "the poller's version is visible", func() bool {
		body := writer().get(t, queuePath("default", queue, "?type=ACTIVITY")).expect(t, http.StatusOK).body
		var d taskQueueDescription
		require.NoError(t, json.Unmarshal(body, &d))
		for _, p := range d.Types[0].Pollers {
			if p.DeploymentVersion.BuildID == "1.0" && p.DeploymentVersion.DeploymentName == deployment && p.VersioningMode == "VERSIONED" {
				return true
			}
		}
		return false
	})
}

// leavingPollers are clients that poll, and that leave at random moments: they close their side of the connection and
// read what the gateway had already sent. So the test knows each task that reached a client.
type leavingPollers struct {
	namespace, path string
	working         sync.WaitGroup
	polls, left     atomic.Int64
	received        atomic.Int64
	late            atomic.Int64 // tasks that were on their way when the client left
	retried         atomic.Int64 // tasks that are not a first attempt

	mu   sync.Mutex
	errs []error
}

// run adds a client that polls until ctx ends, and completes each task that it receives.
func (l *leavingPollers) run(ctx context.Context, gateway *stack.Gateway, maxStay time.Duration) {
	l.working.Go(func() {
		for ctx.Err() == nil {
			if err := l.poll(ctx, gateway.URL, rand.N(maxStay)); err != nil {
				l.mu.Lock()
				l.errs = append(l.errs, err)
				l.mu.Unlock()
			}
		}
	})
}

// poll polls on a connection of its own, and leaves after the time stay unless there is a response before.
func (l *leavingPollers) poll(ctx context.Context, url string, stay time.Duration) error {
	l.polls.Add(1)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+l.path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+threeNamespacesKey)
	opened, err := new(net.Dialer).DialContext(context.WithoutCancel(ctx), "tcp", request.URL.Host)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	conn := opened.(*net.TCPConn) //nolint:forcetypeassert // by the network
	if err := request.Write(conn); err != nil {
		return err
	}
	var hasLeft atomic.Bool
	leave := time.AfterFunc(stay, func() {
		hasLeft.Store(true)
		l.left.Add(1)
		_ = conn.CloseWrite()
	})
	defer leave.Stop()
	response, err := http.ReadResponse(bufio.NewReader(conn), request)
	if err != nil {
		if hasLeft.Load() {
			return nil
		}
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode == http.StatusOK:
		return l.complete(body, hasLeft.Load())
	case response.StatusCode == http.StatusNoContent, hasLeft.Load():
		return nil
	default:
		return fmt.Errorf("status %d: %s", response.StatusCode, body)
	}
}

func (l *leavingPollers) complete(body []byte, late bool) error {
	var task activityTask
	if err := json.Unmarshal(body, &task); err != nil {
		return err
	}
	l.received.Add(1)
	if task.Attempt > 1 {
		l.retried.Add(1)
	}
	if err := completeActivity(context.Background(), l.namespace, task.TaskToken); err != nil && !late {
		return err
	}
	if late { // the gateway may have given the task back
		l.late.Add(1)
	}
	return nil
}

// TestPollersThatLeaveLoseNoTask has hundreds of polls whose clients leave at random moments, while activities are
// started whose attempts would time out after an hour.
func TestPollersThatLeaveLoseNoTask(t *testing.T) {
	t.Parallel()
	const clients, activities = 12, 150
	queue, prefix := newID(t), newID(t)
	l := &leavingPollers{namespace: "default", path: queuePath("default", queue, "/activities:poll?wait=30s")}
	ctx, stop := context.WithCancel(t.Context())
	for i := range clients {
		l.run(ctx, shared.replicas[i%len(shared.replicas)], 200*time.Millisecond)
	}
	begin := time.Now()
	for i := range activities {
		startActivity(t, "default", prefix+strconv.Itoa(i), queue, "1", 0)
	}
	awaitActivities(t, "default", prefix, activities)
	took := time.Since(begin)
	e2etest.Eventually(t, "hundreds of clients have left", func() bool { return l.left.Load() > 300 })
	stop()
	l.working.Wait()
	require.Empty(t, l.errs)
	t.Logf("%d activities completed in %s; %d polls, of which %d left; %d tasks received, %d of them by a client that was leaving, %d after another attempt",
		activities, took.Round(time.Millisecond), l.polls.Load(), l.left.Load(), l.received.Load(), l.late.Load(), l.retried.Load())
}

// awaitActivities waits until all activities are complete.
func awaitActivities(t *testing.T, namespace, prefix string, n int) {
	t.Helper()
	next := 0
	defer func() {
		if next < n {
			t.Logf("activity %d of %d: %s", next, n, describeActivityOnServer(t, namespace, prefix+strconv.Itoa(next)))
		}
	}()
	e2etest.Eventually(t, "all activities are complete", func() bool {
		for next < n && describeActivityOnServer(t, namespace, prefix+strconv.Itoa(next)).GetStatus() == enums.ACTIVITY_EXECUTION_STATUS_COMPLETED {
			next++
		}
		return next == n
	})
}

func TestADrainOfPollersLosesNoTask(t *testing.T) {
	t.Parallel()
	const clients, activities = 8, 60
	gateway := startGatewayForTest(t, "FLOWGATE_LISTEN_DRAIN_DELAY=1s")
	queue, prefix := newID(t), newID(t)
	path := queuePath("default", queue, "/activities:poll?wait=50s")
	var working sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	var onReplica, moved atomic.Int64
	for range clients {
		working.Go(func() {
			c := bearer(threeNamespacesKey).onGateway(gateway)
			for ctx.Err() == nil {
				a, err := c.send(ctx, http.MethodPost, path, "")
				switch {
				case err != nil || a.status == http.StatusServiceUnavailable:
					c = c.onGateway(shared.replicas[0])
					moved.Add(1)
				case a.status == http.StatusOK:
					var task activityTask
					_ = json.Unmarshal(a.body, &task)
					onReplica.Add(1)
					_ = completeActivity(ctx, "default", task.TaskToken)
				}
			}
		})
	}
	e2etest.Eventually(t, "all clients poll", func() bool {
		return e2etest.Metric(t, gateway, "flowgate_in_flight", `kind="poll"`) == clients
	})
	for i := range activities {
		if i == activities/3 {
			require.NoError(t, gateway.Signal(syscall.SIGTERM))
		}
		startActivity(t, "default", prefix+strconv.Itoa(i), queue, "1", 1)
	}
	awaitActivities(t, "default", prefix, activities)
	awaitExit(t, gateway)
	require.NoError(t, gateway.Err())
	stop()
	working.Wait()
	require.GreaterOrEqual(t, moved.Load(), int64(clients), "all clients have moved to another replica")
	t.Logf("%d tasks delivered; each activity had one attempt only", onReplica.Load())
}

// TestClientsThatCloseTheirConnectionAfterTheBodyLoseNoTask polls as curl does: the client closes its connection when it
// has read Content-Length bytes. No activity has a second attempt.
func TestClientsThatCloseTheirConnectionAfterTheBodyLoseNoTask(t *testing.T) {
	t.Parallel()
	const activities = 60
	queue, prefix := newID(t), newID(t)
	for i := range activities {
		startActivity(t, "default", prefix+strconv.Itoa(i), queue, "1", 1)
	}
	address := shared.replicas[0].URL + queuePath("default", queue, "/activities:poll?wait=30s")
	for range activities {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+stack.WriterKey)
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", request.URL.Host)
		require.NoError(t, err)
		require.NoError(t, request.Write(conn))
		response, err := http.ReadResponse(bufio.NewReader(conn), request)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body) // ends after Content-Length bytes
		require.NoError(t, conn.Close())
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, string(body))
		var task activityTask
		require.NoError(t, json.Unmarshal(body, &task))
		require.NoError(t, completeActivity(t.Context(), "default", task.TaskToken))
	}
	awaitActivities(t, "default", prefix, activities)
}

// TestATaskOfTheOnlyAttemptIsNotRetriedWhenItIsGivenBack shows the cost of a client that leaves without the end of its poll.
func TestATaskOfTheOnlyAttemptIsNotRetriedWhenItIsGivenBack(t *testing.T) {
	t.Parallel()
	queue, id := newID(t), newID(t)
	ctx, leave := context.WithTimeout(t.Context(), time.Second)
	defer leave()
	_, err := writer().send(ctx, http.MethodPost, queuePath("default", queue, "/activities:poll?wait=30s"), "")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	startActivity(t, "default", id, queue, "1", 1)
	e2etest.Eventually(t, "the activity has failed", func() bool {
		return describeActivityOnServer(t, "default", id).GetStatus() == enums.ACTIVITY_EXECUTION_STATUS_FAILED
	})
	outcome, err := shared.server.PollActivityExecution(t.Context(), &workflowservice.PollActivityExecutionRequest{Namespace: "default", ActivityId: id})
	require.NoError(t, err)
	require.Equal(t, "TaskNotDelivered", outcome.GetOutcome().GetFailure().GetApplicationFailureInfo().GetType())
}

// taskQueueDescription is a description of a task queue.
type taskQueueDescription struct {
	TaskQueue string `json:"taskQueue"`
	Types     []struct {
		Type    string `json:"type"`
		Pollers []struct {
			Identity          string    `json:"identity"`
			LastAccessTime    time.Time `json:"lastAccessTime"`
			DeploymentVersion struct {
				DeploymentName string `json:"deploymentName"`
				BuildID        string `json:"buildId"`
			} `json:"deploymentVersion"`
			VersioningMode string `json:"versioningMode"`
		} `json:"pollers"`
		Stats struct {
			ApproximateBacklogCount int     `json:"approximateBacklogCount"`
			ApproximateBacklogAge   string  `json:"approximateBacklogAge"`
			TasksAddRate            float64 `json:"tasksAddRate"`
		} `json:"stats"`
	} `json:"types"`
}

func TestTaskQueueDescription(t *testing.T) {
	t.Parallel()
	d := as[taskQueueDescription](t, reader().get(t, queuePath("default", sample.TaskQueue, "")).expect(t, http.StatusOK))
	require.Equal(t, sample.TaskQueue, d.TaskQueue)
	require.Len(t, d.Types, 2)
	for i, queueType := range []string{"WORKFLOW", "ACTIVITY"} {
		require.Equal(t, queueType, d.Types[i].Type)
		require.NotEmpty(t, d.Types[i].Pollers)
		require.NotEmpty(t, d.Types[i].Pollers[0].Identity)
		require.WithinDuration(t, time.Now(), d.Types[i].Pollers[0].LastAccessTime, 10*time.Minute)
	}
	queue := newID(t)
	for i := range 3 {
		startActivity(t, "default", newID(t)+strconv.Itoa(i), queue, "1", 0)
	}
	e2etest.Eventually(t, "the backlog has three tasks", func() bool {
		d := as[taskQueueDescription](t, reader().get(t, queuePath("default", queue, "?type=ACTIVITY")).expect(t, http.StatusOK))
		return len(d.Types) == 1 && d.Types[0].Stats.ApproximateBacklogCount == 3 && d.Types[0].Stats.ApproximateBacklogAge != "" && d.Types[0].Stats.TasksAddRate > 0
	})
}

func TestBuildIDCompatibility(t *testing.T) {
	t.Parallel()
	queue := newID(t)
	path := queuePath("default", queue, "/build-id-compatibility")
	update := func(operation string) {
		t.Helper()
		writer().post(t, path, operation).expect(t, http.StatusNoContent)
	}
	sets := func(want string) {
		t.Helper()
		require.JSONEq(t, want, string(writer().get(t, path).expect(t, http.StatusOK).body))
	}
	sets(`{"versionSets":[]}`)
	update(`{"addNewDefault":{"buildId":"1.0"}}`)
	update(`{"addNewCompatible":{"buildId":"1.1","existingCompatibleBuildId":"1.0"}}`)
	update(`{"addNewDefault":{"buildId":"2.0"}}`)
	sets(`{"versionSets":[{"buildIds":["1.0","1.1"],"default":"1.1"},{"buildIds":["2.0"],"default":"2.0"}],"defaultBuildId":"2.0"}`)
	require.JSONEq(t, `{"versionSets":[{"buildIds":["2.0"],"default":"2.0"}],"defaultBuildId":"2.0"}`,
		string(reader().get(t, queuePath("default", "-", "/build-id-compatibility?maxSets=1&taskQueue=")+queue).expect(t, http.StatusOK).body))
	update(`{"promoteBuildIdWithinSet":{"buildId":"1.0"}}`)
	update(`{"promoteSetByBuildId":{"buildId":"1.1"}}`)
	sets(`{"versionSets":[{"buildIds":["2.0"],"default":"2.0"},{"buildIds":["1.1","1.0"],"default":"1.0"}],"defaultBuildId":"1.0"}`)
	update(`{"addNewCompatible":{"buildId":"2.1","existingCompatibleBuildId":"2.0","promoteSet":true}}`)
	update(`{"mergeSets":{"primaryBuildId":"2.0","secondaryBuildId":"1.0"}}`)
	d := as[struct {
		DefaultBuildID string `json:"defaultBuildId"`
	}](t, writer().get(t, path).expect(t, http.StatusOK))
	require.Equal(t, "2.1", d.DefaultBuildID)
	p := writer().post(t, path, `{"promoteSetByBuildId":{"buildId":"9.9"}}`).problem(t, http.StatusBadRequest, "invalid-request")
	require.Contains(t, p.Detail, "/promoteSetByBuildId/buildId")
}

func TestTaskReachability(t *testing.T) {
	t.Parallel()
	queue := newID(t)
	writer().post(t, queuePath("default", queue, "/build-id-compatibility"), `{"addNewDefault":{"buildId":"1.0"}}`).expect(t, http.StatusNoContent)
	body := `{"buildIds":["1.0"],"taskQueues":[` + quote(queue) + `],"reachabilityType":"OPEN_WORKFLOWS"}`
	got := as[struct {
		BuildIDReachability map[string]struct {
			TaskQueueReachability map[string][]string `json:"taskQueueReachability"`
		} `json:"buildIdReachability"`
	}](t, reader().post(t, "/v1/namespaces/default/task-reachability", body).expect(t, http.StatusOK))
	require.Equal(t, map[string][]string{queue: {"NEW_WORKFLOWS"}}, got.BuildIDReachability["1.0"].TaskQueueReachability)
}
