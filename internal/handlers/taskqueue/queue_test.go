package taskqueue_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const (
	queuePath = "/v1/namespaces/default/task-queues/orders"
	pollPath  = queuePath + "/activities:poll"
)

// queue behaves as the task queues of a Temporal server do: a poll waits for a task until
// a second before its deadline, and a task that was handed to a poll is started. A task
// whose attempt fails is added again.
type queue struct {
	tasks chan *workflowservice.PollActivityTaskQueueResponse

	mu       sync.Mutex
	pollers  int
	polls    []*workflowservice.PollActivityTaskQueueRequest
	timeouts []time.Duration
	failed   []*workflowservice.RespondActivityTaskFailedRequest
}

func newQueue(t *testing.T, g *servertest.Gateway) *queue {
	t.Helper()
	q := &queue{tasks: make(chan *workflowservice.PollActivityTaskQueueResponse, 100)}
	g.Upstream.Handle("PollActivityTaskQueue", upstreamtest.Typed(q.poll))
	g.Upstream.Handle("RespondActivityTaskFailed", upstreamtest.Typed(q.fail))
	return q
}

func (q *queue) poll(ctx context.Context, request *workflowservice.PollActivityTaskQueueRequest) (*workflowservice.PollActivityTaskQueueResponse, error) {
	deadline, _ := ctx.Deadline()
	waiting, stop := context.WithDeadline(ctx, deadline.Add(-time.Second))
	defer stop()
	q.mu.Lock()
	q.polls, q.timeouts = append(q.polls, request), append(q.timeouts, time.Until(deadline).Round(time.Millisecond))
	q.pollers++
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.pollers--
	}()
	select {
	case task := <-q.tasks:
		return task, nil
	case <-waiting.Done():
		return &workflowservice.PollActivityTaskQueueResponse{}, nil
	}
}

func (q *queue) fail(_ context.Context, request *workflowservice.RespondActivityTaskFailedRequest) (*workflowservice.RespondActivityTaskFailedResponse, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.failed = append(q.failed, request)
	return &workflowservice.RespondActivityTaskFailedResponse{}, nil
}

func (q *queue) pollersNow() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pollers
}

func (q *queue) failures() []*workflowservice.RespondActivityTaskFailedRequest {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.failed
}

// task returns a task whose token is the number.
func task(number int) *workflowservice.PollActivityTaskQueueResponse {
	return &workflowservice.PollActivityTaskQueueResponse{
		TaskToken: []byte(strconv.Itoa(number)), ActivityId: strconv.Itoa(number), Attempt: 1,
		ActivityType: &common.ActivityType{Name: "Charge"},
	}
}
