package taskqueue

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

const (
	// tailRoom is the time before the deadline of a poll at which the server ends it
	// (returnEmptyTaskTimeBudget in its package matching).
	tailRoom = time.Second
	// minPollTimeout is the minimum timeout of one poll. The server rejects a poll whose
	// timeout is below two seconds when it arrives (MinLongPollTimeout).
	minPollTimeout = 3 * time.Second
	// maxPollTimeout limits one poll, and so the time for which a poll without a client
	// can still receive a task. The server logs a warning for timeouts below 10 s.
	maxPollTimeout = 10*time.Second + tailRoom
	// grace is how much longer than the server the gateway waits for the end of a poll. A
	// task that the server sends at the last moment must not be lost.
	grace = 10 * time.Second
)

// The failure with which a task is given back.
const (
	notDeliveredType    = "TaskNotDelivered"
	notDeliveredMessage = "The activity task did not reach the worker that polled for it."
	notDeliveredDelay   = 100 * time.Millisecond
)

// polls are the polls for activity tasks in flight. A poll runs detached from the request
// that started it, and ends by its deadline only. If the call were cancelled while a task
// is on its way, the task would be lost. So would it be if the gateway called
// ShutdownWorker, which cancels the polls between the partitions of a task queue.
type polls struct {
	base    context.Context //nolint:containedctx // the values of the polls' contexts
	client  *upstream.Client
	running sync.WaitGroup

	mu sync.Mutex
	// abandoned has the polls whose client has left, for the next equal request.
	abandoned map[pollKey][]*poll
}

func newPolls(base context.Context, client *upstream.Client) *polls {
	return &polls{base: context.WithoutCancel(base), client: client, abandoned: map[pollKey][]*poll{}}
}

// pollKey is equal for requests that may receive the task of the same poll. It has the
// principal itself and not its name, so that a request never benefits from rights that
// its principal no longer has.
type pollKey struct {
	principal *auth.Principal
	request   string // in wire form
	metadata  string // unique for a request with metadata of its own
}

// poll is one call of PollActivityTaskQueue.
type poll struct {
	key     pollKey
	ctx     context.Context //nolint:containedctx // of the calls for this poll, which may outlive the request
	request *workflowservice.PollActivityTaskQueueRequest
	begin   time.Time

	// done is closed after task and err were set.
	done chan struct{}
	task upstream.Response // empty if there was no task
	err  error

	// The lock of polls guards the fields below.
	ended, isAbandoned bool
	slot               limit.Slot // of a poll that is abandoned
}

// take returns a poll that was abandoned, or starts one that the server ends before the
// timeout. Options are those of the request.
func (ps *polls) take(ctx context.Context, request *workflowservice.PollActivityTaskQueueRequest, timeout time.Duration) *poll {
	principal, _ := auth.PrincipalFrom(ctx)
	options := upstream.OptionsFrom(ctx)
	wire, _ := proto.MarshalOptions{Deterministic: true}.Marshal(request) // the call reports an error
	key := pollKey{principal: principal, request: string(wire)}
	if len(options.Metadata) > 0 {
		key.metadata = uuid.NewString()
	}
	if p := ps.adopt(key); p != nil {
		return p
	}
	base := ps.base
	if event := telemetry.FromContext(ctx); event != nil {
		base = telemetry.NewContext(base, &telemetry.Event{RequestID: event.RequestID}) // the request's own event ends with it
	}
	return ps.start(base, key, request, options, timeout)
}

// adopt returns a poll that was abandoned by an equal request, or nil.
func (ps *polls) adopt(key pollKey) *poll {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	waiting := ps.abandoned[key]
	if len(waiting) == 0 {
		return nil
	}
	p := waiting[0]
	ps.forget(p)
	return p
}

func (ps *polls) start(
	base context.Context, key pollKey, request *workflowservice.PollActivityTaskQueueRequest, options upstream.CallOptions, timeout time.Duration,
) *poll {
	options.Memory, options.Trail = nil, nil // they belong to the request
	options.Timeout, options.Grace = timeout, grace
	p := &poll{
		key: key, request: request, begin: time.Now(), done: make(chan struct{}),
		ctx: upstream.WithOptions(auth.WithPrincipal(base, key.principal), &options),
	}
	ps.running.Go(func() { ps.run(p) })
	return p
}

func (ps *polls) run(p *poll) {
	response, err := ps.client.Call(p.ctx, workflowservice.WorkflowService_PollActivityTaskQueue_FullMethodName, p.request)
	switch {
	case problem.Is(err, problem.DeadlineExceeded), isTooShort(err): // the server has no task for the poll
	case err != nil:
		p.err = err
	case len(taskToken(response)) == 0:
		response.Release()
	default:
		p.task = response
	}
	ps.mu.Lock()
	p.ended = true
	close(p.done)
	isAbandoned := p.isAbandoned
	if isAbandoned {
		ps.forget(p)
	}
	ps.mu.Unlock()
	if isAbandoned {
		ps.giveBack(p)
	}
}

// abandon leaves a poll, whose slot it takes over. The next equal request can adopt the
// poll. If the poll has received or receives a task before, the task is given back.
func (ps *polls) abandon(p *poll, slot limit.Slot) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p.ended {
		slot.Release()
		ps.running.Go(func() { ps.giveBack(p) })
		return
	}
	p.isAbandoned, p.slot = true, slot
	ps.abandoned[p.key] = append(ps.abandoned[p.key], p)
}

// forget removes a poll from those that are abandoned. ps.mu must be held.
func (ps *polls) forget(p *poll) {
	p.isAbandoned = false
	p.slot.Release()
	waiting := ps.abandoned[p.key]
	for i := range waiting {
		if waiting[i] == p {
			waiting = append(waiting[:i], waiting[i+1:]...)
			break
		}
	}
	if ps.abandoned[p.key] = waiting; len(waiting) == 0 {
		delete(ps.abandoned, p.key)
	}
}

// callContext returns the context for a call about a poll, with the default timeout.
func (ps *polls) callContext(p *poll) context.Context {
	options := upstream.OptionsFrom(p.ctx)
	options.Timeout, options.Grace = 0, 0
	return upstream.WithOptions(p.ctx, &options)
}

// giveBackAttempts is the number of attempts to give a task back. The call may be
// repeated, because the token is valid for one attempt of the activity.
const giveBackAttempts = 5

// giveBack fails the attempt of the activity for which the poll has a task, if it has
// one, so that the server schedules the next attempt at once.
func (ps *polls) giveBack(p *poll) {
	token := taskToken(p.task)
	if len(token) == 0 {
		return
	}
	defer p.task.Release()
	request := &workflowservice.RespondActivityTaskFailedRequest{
		Namespace: p.request.GetNamespace(), TaskToken: token, Identity: p.request.GetIdentity(),
		Failure: &failure.Failure{
			Message: notDeliveredMessage,
			FailureInfo: &failure.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failure.ApplicationFailureInfo{
				Type: notDeliveredType, NextRetryDelay: durationpb.New(notDeliveredDelay),
			}},
		},
	}
	ctx := ps.callContext(p)
	for attempt := range giveBackAttempts {
		begin := time.Now()
		err := ps.client.Do(ctx, workflowservice.WorkflowService_RespondActivityTaskFailed_FullMethodName, request,
			&workflowservice.RespondActivityTaskFailedResponse{})
		if err == nil || !problem.Of(err).Code.Row().Retryable || attempt == giveBackAttempts-1 {
			return
		}
		_ = longpoll.WaitPollInterval(ctx, begin)
	}
}

// messageTooShort is the message of the server for a poll that arrived later than
// minPollTimeout allows for (ErrContextTimeoutTooShort in its package common).
const messageTooShort = "Context timeout is too short."

// isTooShort reports whether the server rejected a poll because little of its timeout was
// left when it arrived.
func isTooShort(err error) bool {
	return problem.Is(err, problem.Conflict) && problem.Of(err).Upstream.Message() == messageTooShort
}

// tokenField is the number of the field task_token in PollActivityTaskQueueResponse.
const tokenField = 1

// taskToken returns the token of a task, or nothing if the response has no task. It is
// valid as long as the response.
func taskToken(response upstream.Response) (token []byte) {
	for number, value := range transcode.Fields(response.Bytes()) {
		if number == tokenField {
			token = value
		}
	}
	return token
}
