package delegated_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.uber.org/goleak"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/delegated"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/seal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	describe  = workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName
	signal    = workflowservice.WorkflowService_SignalWorkflowExecution_FullMethodName
	terminate = workflowservice.WorkflowService_TerminateWorkflowExecution_FullMethodName
	list      = workflowservice.WorkflowService_ListWorkflowExecutions_FullMethodName
)

// fixture has delegators that a test can change, and a clock that a test sets.
type fixture struct {
	*delegated.Tokens

	makers map[string]*auth.Principal
	time   time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	keys, err := seal.Open(nil)
	require.NoError(t, err)
	w := &fixture{time: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), makers: map[string]*auth.Principal{
		"dev":  {Name: "dev", Grants: []auth.Grant{{Namespace: "orders", Role: auth.RoleAdmin}}, Share: 0.5, CallerMetadata: []string{"x"}},
		"read": {Name: "read", Grants: []auth.Grant{{Namespace: "orders", Role: auth.RoleRead}}},
	}}
	w.Tokens = delegated.New(keys, time.Hour, func(name string) (delegated.Delegator, bool) {
		if name == "idp:alice" {
			return delegated.Delegator{Principal: &auth.Principal{Name: name}}, true
		}
		p, ok := w.makers[name]
		return delegated.Delegator{Principal: p, GrantsStored: true}, ok
	}, func() time.Time { return w.time })
	return w
}

func approval() auth.Capability {
	return auth.Capability{Namespace: "orders", WorkflowID: "order-7", Read: true, Signals: []string{"approve"}}
}

func TestTokenIsForItsWorkflowAndOperationsOnly(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	token, expires, err := w.Issue(w.makers["dev"], approval(), 10*time.Minute)
	require.NoError(t, err)
	require.Equal(t, w.time.Add(10*time.Minute), expires)
	bearer, err := w.Verify(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, "delegated:dev", bearer.Name)
	require.Equal(t, "dev", bearer.Account(), "limits are those of the delegator")
	require.InDelta(t, 0.5, bearer.Share, 0)
	require.Empty(t, bearer.CallerMetadata)

	require.NoError(t, bearer.Authorize(describe, "orders"))
	require.NoError(t, bearer.Authorize(signal, "orders"))
	require.True(t, problem.Is(bearer.Authorize(describe, "other"), problem.NamespaceForbidden))
	for method := range auth.AccessTable() {
		if err := bearer.Authorize(method, "orders"); err == nil {
			require.Contains(t, []string{
				describe, signal, workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
				workflowservice.WorkflowService_QueryWorkflow_FullMethodName,
			}, method)
		} else {
			require.True(t, problem.Is(err, problem.OperationForbidden), method)
		}
	}
	require.NoError(t, bearer.Capability.Check(auth.Target{WorkflowID: "order-7", RunID: "any", Signal: "approve"}))
	for _, target := range []auth.Target{
		{}, {WorkflowID: "order-8"}, {WorkflowID: "order-7", Signal: "reject"}, {WorkflowID: "order-7", Update: "approve"},
	} {
		require.True(t, problem.Is(bearer.Capability.Check(target), problem.OperationForbidden), "%+v", target)
	}
	_, _, err = w.Issue(bearer, approval(), time.Minute)
	require.True(t, problem.Is(err, problem.OperationForbidden), "a token cannot issue another")
}

func TestEachTokenIsUnique(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	seen := map[string]bool{"": true}
	for range 3 {
		token, _, err := w.Issue(w.makers["dev"], approval(), time.Minute)
		require.NoError(t, err)
		bearer, err := w.Verify(t.Context(), token)
		require.NoError(t, err)
		require.False(t, seen[bearer.TokenDigest], "the same second, the same scope")
		seen[bearer.TokenDigest] = true
		require.Len(t, bearer.TokenDigest, 64)
		require.NotContains(t, token, bearer.TokenDigest)
		again, err := w.Verify(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, bearer.TokenDigest, again.TokenDigest)
	}
	require.Empty(t, w.makers["dev"].TokenDigest)
}

func TestTokenOfOneRunIsForNoOther(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	bound := approval()
	bound.RunID = "first"
	token, _, err := w.Issue(w.makers["dev"], bound, time.Minute)
	require.NoError(t, err)
	bearer, err := w.Verify(t.Context(), token)
	require.NoError(t, err)
	require.NoError(t, bearer.Capability.Check(auth.Target{WorkflowID: "order-7", RunID: "first"}))
	require.Error(t, bearer.Capability.Check(auth.Target{WorkflowID: "order-7"}), "without a run id it would be the latest run")
}

func TestTokenNeverExceedsDelegatorsGrants(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	_, _, err := w.Issue(w.makers["read"], approval(), time.Minute)
	require.True(t, problem.Is(err, problem.OperationForbidden))
	look := auth.Capability{Namespace: "orders", WorkflowID: "order-7", Read: true}
	token, _, err := w.Issue(w.makers["read"], look, time.Minute)
	require.NoError(t, err)
	bearer, err := w.Verify(t.Context(), token)
	require.NoError(t, err)
	require.Error(t, bearer.Authorize(signal, "orders"))
	require.Error(t, bearer.Authorize(terminate, "orders"))
	require.Error(t, bearer.Authorize(list, "orders"))
	look.Namespace = "billing"
	_, _, err = w.Issue(w.makers["read"], look, time.Minute)
	require.True(t, problem.Is(err, problem.OperationForbidden))
}

func TestTokenEndsWithItsLifetimeAndDelegator(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	token, expires, err := w.Issue(w.makers["dev"], approval(), 24*time.Hour)
	require.NoError(t, err)
	require.Equal(t, w.time.Add(time.Hour), expires, "the maximum lifetime")

	dev := w.makers["dev"]
	w.makers["dev"] = &auth.Principal{Name: "dev", Grants: []auth.Grant{{Namespace: "orders", Role: auth.RoleRead}}}
	requireInvalid(t, w, token)
	delete(w.makers, "dev")
	requireInvalid(t, w, token)
	w.makers["dev"] = dev
	_, err = w.Verify(t.Context(), token)
	require.NoError(t, err)
	w.time = expires
	requireInvalid(t, w, token)

	alice := &auth.Principal{Name: "idp:alice", Grants: dev.Grants, Expires: w.time.Add(time.Minute)}
	token, expires, err = w.Issue(alice, approval(), time.Hour)
	require.NoError(t, err)
	require.Equal(t, alice.Expires, expires, "no longer than the credential that issued it")
	bearer, err := w.Verify(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, "delegated:idp:alice", bearer.Name)
}

func TestTokenCannotBeForgedOrModified(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	token, _, err := w.Issue(w.makers["dev"], approval(), time.Minute)
	require.NoError(t, err)
	raw, err := base64.RawURLEncoding.DecodeString(token[len(auth.DelegatedPrefix):])
	require.NoError(t, err)
	for i := range raw {
		changed := append([]byte(nil), raw...)
		changed[i] ^= 1
		requireInvalid(t, w, auth.DelegatedPrefix+base64.RawURLEncoding.EncodeToString(changed))
	}
	for _, junk := range []string{"", "fgt.", "fgt.x", token + "=", token + "\n", token[:len(token)-1]} {
		requireInvalid(t, w, junk)
	}
	requireInvalid(t, newFixture(t), token)
}

func requireInvalid(t *testing.T, w *fixture, token string) {
	t.Helper()
	p, err := w.Verify(t.Context(), token)
	require.True(t, problem.Is(err, problem.InvalidToken), "%v", err)
	require.Nil(t, p)
}
