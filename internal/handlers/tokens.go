package handlers

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/delegated"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// CreateToken makes a token for one workflow that the caller may hand on.
func (a *API) CreateToken(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	op := operation{
		name: "createToken", namespace: namespace, body: bodyRequired,
		method: workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName, // the least that a token is for
		handle: &handle{segment: workflowID},
		admit:  a.mayIssue,
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, _ *openapi.CreateTokenParams, body *openapi.TokenRequest) (*response, error) {
		var f validation
		ttl := f.ttl("/ttl", body.TTL, a.options.Limits.MaxDelegation)
		f.names("/signals", body.Signals)
		f.names("/updates", body.Updates)
		if !body.Read && len(body.Signals)+len(body.Updates) == 0 {
			f.add("", "names nothing that the bearer may do")
		}
		if err := f.err(); err != nil {
			return nil, err
		}
		run := c.execution
		token, expires, err := a.options.Delegated.Issue(c.Principal, auth.Capability{
			Namespace: namespace, WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId(),
			Read: body.Read, Signals: body.Signals, Updates: body.Updates,
		}, ttl)
		a.options.Upstream.Audit(ctx, c.Principal, createToken, namespace, run.GetWorkflowId(), err)
		if err != nil {
			return nil, err
		}
		return &response{status: http.StatusCreated, body: openapi.DelegatedToken{
			Token: token, ExpiresAt: expires.UTC().Format(time.RFC3339), WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId(),
		}}, nil
	})
}

// mayIssue refuses the bearer of a delegated token before the body is read.
func (a *API) mayIssue(ctx context.Context, c *operationRequest) error {
	err := delegated.MayIssue(c.Principal)
	if err != nil {
		id, _ := workflowIDOf(c.handle.segment, c.handle.parameter)
		a.options.Upstream.Audit(ctx, c.Principal, createToken, c.namespace, id, err)
	}
	return err
}

// createToken is the operation's name in the audit log.
const createToken = "CreateToken"

// maxNames is how many signals and how many updates a token is for.
const maxNames = 20

func (f *validation) names(pointer string, names []string) {
	if !f.atMost(pointer, len(names), maxNames) {
		return
	}
	for i, name := range names {
		f.require(pointer+"/"+strconv.Itoa(i), name)
	}
}

// ttl reads how long a token is wanted; absent is the longest.
func (f *validation) ttl(pointer, text string, longest time.Duration) time.Duration {
	if text == "" {
		return longest
	}
	ttl := f.duration(pointer, text).AsDuration()
	if ttl < time.Second {
		f.add(pointer, "must be at least 1s")
	}
	return ttl
}
