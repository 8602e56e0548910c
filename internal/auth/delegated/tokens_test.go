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

// fixture is a Tokens with delegators and a clock that tests can change.
type fixture struct {
	*delegated.Tokens

	delegators map[string]*auth.Principal
	time       time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	keys, err := seal.Open(nil)
	require.NoError(t, err)
	f := &fixture{time: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), delegators: map[string]*auth.Principal{
		"dev":  {Name: "dev", Grants: []auth.Grant{{Namespace: "orders", Role: auth.RoleAdmin}}, Share: 0.5, CallerMetadata: []string{"x"}},
		"read": {Name: "read", Grants: []auth.Grant{{Namespace: "orders", Role: auth.RoleRead}}},
	}}
	f.Tokens = delegated.New(keys, time.Hour, func(name string) (delegated.Delegator, bool) {
		if name == "idp:alice" { // a caller with a JWT, whose grants are not stored
			return delegated.Delegator{Principal: &auth.Principal{Name: name}}, true
		}
		p, ok := f.delegators[name]
		return delegated.Delegator{Principal: p, GrantsStored: true}, ok
	}, func() time.Time { return f.time })
	return f
}

// approvalCapability permits reading the workflow "order-7" and sending it the signal "approve".
func approvalCapability() auth.Capability {
	return auth.Capability{Namespace: "orders", WorkflowID: "order-7", Read: true, Signals: []string{"approve"}}
}

func TestTokenPermitsOnlyItsWorkflowAndOperations(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token, expires, err := f.Issue(f.delegators["dev"], approvalCapability(), 10*time.Minute)
	require.NoError(t, err)
	require.Equal(t, f.time.Add(10*time.Minute), expires)
	bearer, err := f.Verify(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, "delegated:dev", bearer.Name)
	require.Equal(t, "dev", bearer.Account(), "the requests count against the limits of the delegator")
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
	_, _, err = f.Issue(bearer, approvalCapability(), time.Minute)
	require.True(t, problem.Is(err, problem.OperationForbidden), "the bearer of a token cannot issue another")
}

func TestEachTokenIsUnique(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	seen := map[string]bool{"": true}
	for range 3 {
		token, _, err := f.Issue(f.delegators["dev"], approvalCapability(), time.Minute)
		require.NoError(t, err)
		bearer, err := f.Verify(t.Context(), token)
		require.NoError(t, err)
		require.False(t, seen[bearer.TokenDigest], "tokens with the same capability and second of issue differ")
		seen[bearer.TokenDigest] = true
		require.Len(t, bearer.TokenDigest, 64)
		require.NotContains(t, token, bearer.TokenDigest)
		again, err := f.Verify(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, bearer.TokenDigest, again.TokenDigest)
	}
	require.Empty(t, f.delegators["dev"].TokenDigest)
}

func TestTokenPermitsOnlyItsRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	capability := approvalCapability()
	capability.RunID = "first"
	token, _, err := f.Issue(f.delegators["dev"], capability, time.Minute)
	require.NoError(t, err)
	bearer, err := f.Verify(t.Context(), token)
	require.NoError(t, err)
	require.NoError(t, bearer.Capability.Check(auth.Target{WorkflowID: "order-7", RunID: "first"}))
	require.Error(t, bearer.Capability.Check(auth.Target{WorkflowID: "order-7"}), "a request without a run id is for the latest run")
}

func TestTokenNeverExceedsDelegatorsGrants(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, _, err := f.Issue(f.delegators["read"], approvalCapability(), time.Minute)
	require.True(t, problem.Is(err, problem.OperationForbidden))
	readOnly := auth.Capability{Namespace: "orders", WorkflowID: "order-7", Read: true}
	token, _, err := f.Issue(f.delegators["read"], readOnly, time.Minute)
	require.NoError(t, err)
	bearer, err := f.Verify(t.Context(), token)
	require.NoError(t, err)
	require.Error(t, bearer.Authorize(signal, "orders"))
	require.Error(t, bearer.Authorize(terminate, "orders"))
	require.Error(t, bearer.Authorize(list, "orders"))
	readOnly.Namespace = "billing"
	_, _, err = f.Issue(f.delegators["read"], readOnly, time.Minute)
	require.True(t, problem.Is(err, problem.OperationForbidden))
}

func TestTokenIsInvalidAfterExpiryOrWithoutDelegator(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token, expires, err := f.Issue(f.delegators["dev"], approvalCapability(), 24*time.Hour)
	require.NoError(t, err)
	require.Equal(t, f.time.Add(time.Hour), expires, "the lifetime is limited to the maximum")

	dev := f.delegators["dev"]
	f.delegators["dev"] = &auth.Principal{Name: "dev", Grants: []auth.Grant{{Namespace: "orders", Role: auth.RoleRead}}}
	requireInvalid(t, f, token)
	delete(f.delegators, "dev")
	requireInvalid(t, f, token)
	f.delegators["dev"] = dev
	_, err = f.Verify(t.Context(), token)
	require.NoError(t, err)
	f.time = expires
	requireInvalid(t, f, token)

	alice := &auth.Principal{Name: "idp:alice", Grants: dev.Grants, Expires: f.time.Add(time.Minute)}
	token, expires, err = f.Issue(alice, approvalCapability(), time.Hour)
	require.NoError(t, err)
	require.Equal(t, alice.Expires, expires, "the token expires with the credential that issued it")
	bearer, err := f.Verify(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, "delegated:idp:alice", bearer.Name)
}

func TestTokenCannotBeForgedOrModified(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token, _, err := f.Issue(f.delegators["dev"], approvalCapability(), time.Minute)
	require.NoError(t, err)
	raw, err := base64.RawURLEncoding.DecodeString(token[len(auth.DelegatedPrefix):])
	require.NoError(t, err)
	for i := range raw {
		changed := append([]byte(nil), raw...)
		changed[i] ^= 1
		requireInvalid(t, f, auth.DelegatedPrefix+base64.RawURLEncoding.EncodeToString(changed))
	}
	for _, junk := range []string{"", "fgt.", "fgt.x", token + "=", token + "\n", token[:len(token)-1]} {
		requireInvalid(t, f, junk)
	}
	requireInvalid(t, newFixture(t), token)
}

func requireInvalid(t *testing.T, f *fixture, token string) {
	t.Helper()
	p, err := f.Verify(t.Context(), token)
	require.True(t, problem.Is(err, problem.InvalidToken), "%v", err)
	require.Nil(t, p)
}

// A caller with a grant by operation may delegate its operations and no others, as long as it has them.
func TestTokensOfACallerWithOperations(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	grant := func(operations auth.Operations) *auth.Principal {
		return &auth.Principal{Name: "signaller", Grants: []auth.Grant{{Namespace: "orders", Operations: operations}}}
	}
	f.delegators["signaller"] = grant(auth.OpSignal)
	onlySignal := auth.Capability{Namespace: "orders", WorkflowID: "order-7", Signals: []string{"approve"}}
	token, _, err := f.Issue(f.delegators["signaller"], onlySignal, time.Minute)
	require.NoError(t, err)
	bearer, err := f.Verify(t.Context(), token)
	require.NoError(t, err)
	require.NoError(t, bearer.Authorize(signal, "orders"))
	require.Error(t, bearer.Authorize(describe, "orders"))
	for _, more := range []auth.Capability{
		approvalCapability(), {Namespace: "orders", WorkflowID: "order-7", Updates: []string{"x"}}, {Namespace: "orders", WorkflowID: "order-7", Read: true},
	} {
		_, _, err := f.Issue(f.delegators["signaller"], more, time.Minute)
		require.True(t, problem.Is(err, problem.OperationForbidden), "%+v", more)
	}
	f.delegators["signaller"] = grant(auth.OpRead | auth.OpQuery)
	_, err = f.Verify(t.Context(), token)
	require.True(t, problem.Is(err, problem.InvalidToken), "the delegator has lost the operation: %v", err)
}
