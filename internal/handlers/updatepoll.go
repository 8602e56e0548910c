package handlers

import (
	"context"
	"sync"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/upstream"
)

// updateKey tells polls for an update that the upstream would answer alike, as
// outcomeKey does those for a run.
type updateKey struct {
	namespace, workflowID, runID, updateID string
	stage                                  enums.UpdateWorkflowExecutionLifecycleStage
	credential, metadata, scope            string
}

// outcomePoller asks for the update, and waits for the stage if there is one.
func (k *updateKey) poll(ctx context.Context, client *upstream.Client) (updateProgress, error) {
	response := &workflowservice.PollWorkflowExecutionUpdateResponse{}
	return response, client.Do(ctx, workflowservice.WorkflowService_PollWorkflowExecutionUpdate_FullMethodName,
		&workflowservice.PollWorkflowExecutionUpdateRequest{
			Namespace: k.namespace,
			UpdateRef: &update.UpdateRef{
				WorkflowExecution: &common.WorkflowExecution{WorkflowId: k.workflowID, RunId: k.runID}, UpdateId: k.updateID,
			},
			WaitPolicy: &update.WaitPolicy{LifecycleStage: k.stage},
		}, response)
}

// updatePolls are the polls for updates in flight. Equal ones are one. They live
// as the watches do.
type updatePolls struct {
	*outcomePolls

	mu    sync.Mutex
	byKey map[updateKey]*updatePoll
}

// updatePoll is one shared poll and its waiters.
type updatePoll struct {
	waiters int // guarded by updatePolls.mu
	cancel  context.CancelFunc
	done    chan struct{} // closed when got or err is set

	got updateProgress
	err error
}

// waitForOutcome polls as key says together with everyone who waits for the same. The poll
// goes out as call says.
func (ps *updatePolls) wait(ctx context.Context, key updateKey, call upstream.CallOptions) (updateProgress, error) {
	principal, _ := auth.PrincipalFrom(ctx)
	key.credential, key.scope = ps.client.CredentialID(principal, key.namespace), principal.Capability.Scope()
	key.metadata = metadataKey(metadata.New(principal.Metadata), call.Metadata)
	p := ps.join(auth.WithPrincipal(ps.base, principal), key, call)
	defer ps.leave(key, p)
	select {
	case <-p.done:
		return p.got, p.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// join enters the poll of key, and starts it under ctx when it is the first. The
// caller must leave it again.
func (ps *updatePolls) join(ctx context.Context, key updateKey, call upstream.CallOptions) *updatePoll {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.byKey[key]
	if p == nil {
		call.Room = nil // it is one request's
		ctx, cancel := context.WithCancel(upstream.NewContext(ctx, &call))
		p = &updatePoll{cancel: cancel, done: make(chan struct{})}
		ps.byKey[key] = p
		ps.metrics.WaitPolls.Inc()
		ps.polls.Go(func() {
			defer ps.metrics.WaitPolls.Dec()
			defer cancel()
			p.got, p.err = key.poll(ctx, ps.client)
			ps.mu.Lock()
			defer ps.mu.Unlock()
			ps.forget(key, p)
			close(p.done)
		})
	}
	p.waiters++
	return p
}

// leave ends one caller's part, and the poll with the last one.
func (ps *updatePolls) leave(key updateKey, p *updatePoll) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p.waiters--; p.waiters == 0 {
		ps.forget(key, p)
		p.cancel()
	}
}

// forget makes the next equal wait start a poll of its own. It needs ps.mu.
func (ps *updatePolls) forget(key updateKey, p *updatePoll) {
	if ps.byKey[key] == p {
		delete(ps.byKey, key)
	}
}
