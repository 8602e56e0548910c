package taskqueue

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// PollActivityTask waits for one activity task.
func (s *Service) PollActivityTask(w http.ResponseWriter, r *http.Request, namespace, taskQueue string) {
	spec := operation.Spec{
		Name: "pollActivityTask", Namespace: namespace, Body: operation.BodyOptional,
		Method: workflowservice.WorkflowService_PollActivityTaskQueue_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.PollActivityTaskParams, body *openapi.PollActivityTaskRequest,
	) (*operation.Response, error) {
		wait, err := req.RequestedWait(params.Wait)
		if err != nil {
			return nil, err
		}
		request, err := pollRequest(req, taskQueue, params.TaskQueue, body)
		if err != nil {
			return nil, err
		}
		if err := req.AcquirePoll(ctx); err != nil {
			return nil, err
		}
		req.Release(ctx) // while it waits, the request holds only its slot for the poll
		p, err := s.await(ctx, req, request, time.Now().Add(wait))
		switch {
		case err != nil:
			return nil, err
		case p == nil:
			return operation.NoContent(), nil
		default:
			return s.deliver(ctx, req, p)
		}
	})
}

// maxNameBytes is the maximum length of the names of a worker and its version. The
// server's limits depend on its configuration, and are higher by default.
const maxNameBytes = 200

func pollRequest(
	req *operation.Request, segment, parameter string, body *openapi.PollActivityTaskRequest,
) (*workflowservice.PollActivityTaskQueueRequest, error) {
	var v convert.Validation
	name, err := queueName(segment, parameter)
	v.Merge("", err)
	if strings.HasPrefix(name, serverQueuePrefix) {
		v.Add("taskQueue", "is a task queue of the server's own workers")
	}
	identity := req.Identity()
	if body.IdentitySuffix != "" {
		identity += "/" + body.IdentitySuffix
		checkName(&v, "/identitySuffix", body.IdentitySuffix)
	}
	request := &workflowservice.PollActivityTaskQueueRequest{
		Namespace: req.Namespace, Identity: identity,
		TaskQueue:         &taskqueue.TaskQueue{Name: name, Kind: enums.TASK_QUEUE_KIND_NORMAL},
		DeploymentOptions: deploymentOptions(&v, body),
	}
	if rate := body.MaxTasksPerSecond; rate != nil {
		if *rate <= 0 {
			v.Add("/maxTasksPerSecond", "must be above zero")
		}
		request.TaskQueueMetadata = &taskqueue.TaskQueueMetadata{MaxTasksPerSecond: wrapperspb.Double(*rate)}
	}
	return request, v.Err()
}

// deploymentOptions returns the worker deployment version that the caller names, or nil.
// The rules for its names are those of the server (ValidateDeploymentVersion in its
// package worker_versioning).
func deploymentOptions(v *convert.Validation, body *openapi.PollActivityTaskRequest) *deployment.WorkerDeploymentOptions {
	if body.DeploymentName == "" && body.BuildID == "" {
		return nil
	}
	checkVersionName(v, "/deploymentName", body.DeploymentName)
	checkVersionName(v, "/buildId", body.BuildID)
	if strings.ContainsAny(body.DeploymentName, ".:") {
		v.Add("/deploymentName", "must not contain a full stop or a colon")
	}
	return &deployment.WorkerDeploymentOptions{
		DeploymentName: body.DeploymentName, BuildId: body.BuildID,
		WorkerVersioningMode: enums.WORKER_VERSIONING_MODE_VERSIONED,
	}
}

func checkVersionName(v *convert.Validation, pointer, name string) {
	checkName(v, pointer, name)
	if strings.HasPrefix(name, "__") {
		v.Add(pointer, "must not begin with __")
	}
}

func checkName(v *convert.Validation, pointer, name string) {
	v.CheckID(pointer, name)
	if len(name) > maxNameBytes {
		v.Add(pointer, "must be at most 200 bytes")
	}
}

// pollTimeout returns the timeout of the next poll of a wait that ends after the time
// left.
func pollTimeout(left time.Duration) time.Duration {
	return min(maxPollTimeout, max(minPollTimeout, left+tailRoom))
}

// await polls until there is a task or the wait ends, and returns the poll with the task
// or nil. It makes at least one poll.
func (s *Service) await(
	ctx context.Context, req *operation.Request, request *workflowservice.PollActivityTaskQueueRequest, until time.Time,
) (*poll, error) {
	for {
		p := s.polls.take(ctx, request, pollTimeout(time.Until(until)))
		last, err := s.awaitEnd(ctx, req, p, until)
		switch {
		case err != nil:
			return nil, err
		case last:
			return nil, nil //nolint:nilnil // no task
		case len(p.task.Bytes()) > 0:
			return p, nil
		case time.Until(until) < tailRoom || s.isDraining():
			return nil, nil //nolint:nilnil // no task
		}
		if err := longpoll.WaitPollInterval(ctx, p.begin); errors.Is(err, context.Canceled) {
			return nil, upstream.Canceled(ctx, err)
		} else if err != nil {
			return nil, nil //nolint:nilnil,nilerr // the budget of the request is spent
		}
	}
}

func (s *Service) isDraining() bool {
	select {
	case <-s.drain.Done():
		return true
	default:
		return false
	}
}

// awaitEnd waits until the poll ends. It reports true if the wait ended before that, and the
// poll was abandoned. The start of a drain does not end it, because the client is still
// there and can have a task.
func (s *Service) awaitEnd(ctx context.Context, req *operation.Request, p *poll, until time.Time) (abandoned bool, err error) {
	// A poll that the request started ends before the timer. Another one may last longer.
	timer := time.NewTimer(max(time.Until(until), minPollTimeout-tailRoom) + tailRoom)
	defer timer.Stop()
	select {
	case <-p.done:
		return false, p.err
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.polls.abandon(p, req.TakeWait())
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		return true, nil
	}
	return true, upstream.Canceled(ctx, err)
}

// deliver returns the response with a task. If the response cannot be written, the task is
// given back.
func (s *Service) deliver(ctx context.Context, req *operation.Request, p *poll) (*operation.Response, error) {
	giveBack := func() { s.polls.abandon(p, req.TakeWait()) }
	err := req.Reserve(ctx, 2*len(p.task.Bytes()))
	if err != nil {
		giveBack()
		problem.Of(err).Detail = "There is not enough memory for the task, which was given back."
		return nil, err
	}
	text, err := s.taskView.AppendJSON(nil, p.task.Bytes(), transcode.Options{}, nil)
	if err != nil {
		giveBack()
		return nil, problem.UnreadableResponse(err)
	}
	text = append(text, '\n')
	return operation.Stream(len(text), giveBack, func(w http.ResponseWriter) error {
		if isWritten(req.HTTP.Context(), w, text) {
			p.task.Release()
		} else {
			giveBack()
		}
		return nil
	}), nil
}

// isWritten writes a response, and reports whether the client was there until it was
// written. A client may leave as soon as it has the last byte, which can be before
// isWritten returns. It has the task then, and a give-back would fail its attempt.
func isWritten(ctx context.Context, w http.ResponseWriter, text []byte) bool {
	if ctx.Err() != nil {
		return false
	}
	w.Header().Set("Content-Type", operation.JSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	// The end of the JSON text stays in the buffer until the flush. A flush of an empty
	// buffer would return the reset of an HTTP/2 stream whose client has all of the body.
	end := len(text) - len("}\n")
	for _, part := range [][]byte{text[:end], text[end:]} {
		if _, err := w.Write(part); err != nil {
			return false
		}
	}
	return http.NewResponseController(w).Flush() == nil
}
