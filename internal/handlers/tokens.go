package handlers

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/auth"
)

// CreateToken makes a token for one workflow that the caller may hand on.
func (a *API) CreateToken(w http.ResponseWriter, r *http.Request, namespace, workflowID string, params CreateTokenParams) {
	op := operation{
		name: "createToken", namespace: namespace, params: params, body: bodyRequired,
		method: workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName, // the least that a token is for
		handle: &handle{workflowID, params.WorkflowID, params.RunID, params.FirstExecutionRunID},
	}
	serve(a, w, r, op, func(ctx context.Context, c *call, body *TokenRequest) (*answer, error) {
		var f faults
		ttl := f.ttl("/ttl", body.TTL, a.options.Limits.MaxDelegation)
		for i, name := range body.Signals {
			f.required("/signals/"+strconv.Itoa(i), name)
		}
		for i, name := range body.Updates {
			f.required("/updates/"+strconv.Itoa(i), name)
		}
		const most = 20
		if len(body.Signals) > most || len(body.Updates) > most {
			f.add("", "names too many operations: 20 signals and 20 updates at most")
		}
		if !body.Read && len(body.Signals)+len(body.Updates) == 0 {
			f.add("", "names nothing that the bearer may do")
		}
		if err := f.err(); err != nil {
			return nil, err
		}
		run := c.execution
		token, expires, err := a.options.Delegated.Issue(c.principal, auth.Bound{
			Namespace: namespace, WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId(),
			Read: body.Read, Signals: body.Signals, Updates: body.Updates,
		}, ttl)
		a.options.Upstream.Audit(ctx, c.principal, "CreateToken", namespace, run.GetWorkflowId(), err)
		if err != nil {
			return nil, err
		}
		return &answer{status: http.StatusCreated, body: DelegatedToken{
			Token: token, ExpiresAt: expires.UTC().Format(time.RFC3339), WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId(),
		}}, nil
	})
}

// ttl reads how long a token is wanted; absent is the longest.
func (f *faults) ttl(pointer, text string, longest time.Duration) time.Duration {
	if text == "" {
		return longest
	}
	ttl := f.duration(pointer, text).AsDuration()
	if ttl < time.Second {
		f.add(pointer, "must be at least 1s")
	}
	return ttl
}
