package token

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/delegated"
	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// CreateToken issues a token for one workflow, which the caller can pass on.
func (s *Service) CreateToken(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "createToken", Namespace: namespace, Body: operation.BodyRequired,
		Method:    workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName, // the caller must have read access
		Handle:    &operation.Handle{WorkflowID: workflowID},
		Authorize: s.mayIssue,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *openapi.CreateTokenParams, body *openapi.TokenRequest,
	) (*operation.Response, error) {
		var v convert.Validation
		ttl := lifetime(&v, "/ttl", body.TTL, s.maxTTL)
		checkNames(&v, "/signals", body.Signals)
		checkNames(&v, "/updates", body.Updates)
		if !body.Read && len(body.Signals)+len(body.Updates) == 0 {
			v.Add("", "must permit at least one operation")
		}
		if err := v.Err(); err != nil {
			return nil, err
		}
		run := req.Execution
		token, expires, err := s.tokens.Issue(req.Principal, auth.Capability{
			Namespace: namespace, WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId(),
			Read: body.Read, Signals: body.Signals, Updates: body.Updates,
		}, ttl)
		s.upstream.Audit(ctx, req.Principal, createToken, namespace, run.GetWorkflowId(), err)
		if err != nil {
			return nil, err
		}
		return operation.Created(openapi.DelegatedToken{
			Token: token, ExpiresAt: expires.UTC().Format(time.RFC3339), WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId(),
		}, ""), nil
	})
}

// mayIssue rejects the bearer of a delegated token, which must not issue another one.
func (s *Service) mayIssue(ctx context.Context, req *operation.Request) error {
	err := delegated.MayIssue(req.Principal)
	if err != nil {
		id, _ := req.Handle.ID()
		s.upstream.Audit(ctx, req.Principal, createToken, req.Namespace, id, err)
	}
	return err
}

// createToken is the operation's name in the audit log.
const createToken = "CreateToken"

// maxNames is the maximum number of signals, and of updates, that a token permits.
const maxNames = 20

func checkNames(v *convert.Validation, pointer string, names []string) {
	if !v.AtMost(pointer, len(names), maxNames) {
		return
	}
	for i, name := range names {
		v.Require(pointer+"/"+strconv.Itoa(i), name)
	}
}

// lifetime returns the lifetime that the caller requests, or maxTTL if it requests none.
func lifetime(v *convert.Validation, pointer, text string, maxTTL time.Duration) time.Duration {
	if text == "" {
		return maxTTL
	}
	ttl := v.Duration(pointer, text).AsDuration()
	if ttl < time.Second {
		v.Add(pointer, "must be at least 1s")
	}
	return ttl
}
