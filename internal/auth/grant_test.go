package auth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

const (
	describe        = "/temporal.api.workflowservice.v1.WorkflowService/DescribeWorkflowExecution"
	start           = "/temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution"
	updateNamespace = "/temporal.api.workflowservice.v1.WorkflowService/UpdateNamespace"
	listNamespaces  = "/temporal.api.workflowservice.v1.WorkflowService/ListNamespaces"
	getSystemInfo   = "/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo"
	createEndpoint  = "/temporal.api.operatorservice.v1.OperatorService/CreateNexusEndpoint"
)

func TestAuthorize(t *testing.T) {
	t.Parallel()
	const allowed problem.Code = ""
	for name, test := range map[string]struct {
		grants            []auth.Grant
		method, namespace string
		want              problem.Code
	}{
		"exact namespace":                                         {oneGrant("default", auth.RoleWrite), start, "default", allowed},
		"RPC that requires a lower role":                          {oneGrant("default", auth.RoleWrite), describe, "default", allowed},
		"read role does not permit a write":                       {oneGrant("default", auth.RoleRead), start, "default", problem.OperationForbidden},
		"write role does not permit administration":               {oneGrant("default", auth.RoleWrite), updateNamespace, "default", problem.OperationForbidden},
		"admin role permits administration":                       {oneGrant("default", auth.RoleAdmin), updateNamespace, "default", allowed},
		"other namespace":                                         {oneGrant("default", auth.RoleAdmin), describe, "orders", problem.NamespaceForbidden},
		"namespace that begins with the granted name":             {oneGrant("default", auth.RoleAdmin), describe, "default2", problem.NamespaceForbidden},
		"namespace in a different case":                           {oneGrant("default", auth.RoleAdmin), describe, "Default", problem.NamespaceForbidden},
		"namespace with the granted prefix":                       {oneGrant("team-*", auth.RoleWrite), start, "team-a", allowed},
		"namespace equal to the prefix":                           {oneGrant("team-*", auth.RoleWrite), start, "team-", allowed},
		"namespace shorter than the prefix":                       {oneGrant("team-*", auth.RoleWrite), start, "team", problem.NamespaceForbidden},
		"namespace *":                                             {oneGrant("default", auth.RoleWrite), start, "*", problem.NamespaceForbidden},
		"all namespaces":                                          {oneGrant("*", auth.RoleRead), describe, "orders", allowed},
		"empty namespace, wildcard":                               {oneGrant("*", auth.RoleAdmin), describe, "", problem.NamespaceForbidden},
		"empty namespace, empty grant":                            {oneGrant("", auth.RoleAdmin), describe, "", problem.NamespaceForbidden},
		"wildcard does not match temporal-system":                 {oneGrant("*", auth.RoleAdmin), describe, auth.SystemNamespace, problem.NamespaceForbidden},
		"prefix does not match temporal-system":                   {oneGrant("temporal-*", auth.RoleAdmin), listNamespaces, "", problem.OperationForbidden},
		"temporal-system as a prefix":                             {oneGrant("temporal-system*", auth.RoleAdmin), listNamespaces, "", problem.OperationForbidden},
		"wildcard does not permit cluster-wide RPCs":              {oneGrant("*", auth.RoleAdmin), listNamespaces, "default", problem.OperationForbidden},
		"read role on temporal-system lists namespaces":           {oneGrant(auth.SystemNamespace, auth.RoleRead), listNamespaces, "", allowed},
		"write role on temporal-system does not create endpoints": {oneGrant(auth.SystemNamespace, auth.RoleWrite), createEndpoint, "", problem.OperationForbidden},
		"admin role on temporal-system creates endpoints":         {oneGrant(auth.SystemNamespace, auth.RoleAdmin), createEndpoint, "", allowed},
		"admin role on temporal-system, other namespace":          {oneGrant(auth.SystemNamespace, auth.RoleAdmin), describe, "default", problem.NamespaceForbidden},
		"no grant":                   {nil, describe, "default", problem.NamespaceForbidden},
		"RPC that requires no grant": {nil, getSystemInfo, "", allowed},
		"zero role":                  {oneGrant("default", 0), describe, "default", problem.NamespaceForbidden},
		"unknown method":             {oneGrant("*", auth.RoleAdmin), "/x.Y/Z", "default", problem.OperationForbidden},
		"highest role of two grants, lower first":  {append(oneGrant("*", auth.RoleRead), oneGrant("default", auth.RoleWrite)...), start, "default", allowed},
		"highest role of two grants, lower second": {append(oneGrant("default", auth.RoleWrite), oneGrant("*", auth.RoleRead)...), start, "default", allowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := (&auth.Principal{Name: "dev", Grants: test.grants}).Authorize(test.method, test.namespace)
			if test.want == allowed {
				require.NoError(t, err)
				return
			}
			require.True(t, problem.Is(err, test.want), "%v", err)
		})
	}
}

func oneGrant(namespace string, role auth.Role) []auth.Grant {
	return []auth.Grant{{Namespace: namespace, Role: role}}
}

func TestAuthorizeWithoutAPrincipal(t *testing.T) {
	t.Parallel()
	for _, method := range []string{describe, getSystemInfo, "/x.Y/Z"} {
		require.True(t, problem.Is((*auth.Principal)(nil).Authorize(method, "default"), problem.Unauthenticated))
	}
}

// A caller must learn neither which namespaces exist nor which role an operation requires.
func TestForbiddenNamespacesHaveTheSameError(t *testing.T) {
	t.Parallel()
	principal := &auth.Principal{Name: "dev", Grants: oneGrant("mine", auth.RoleRead)}
	first := principal.Authorize(describe, "exists")
	for _, method := range []string{describe, start, updateNamespace} {
		for _, namespace := range []string{"exists", "absent", ""} {
			require.Equal(t, first, principal.Authorize(method, namespace))
		}
	}
	detail := problem.Of(first).Detail
	require.NotContains(t, detail, "exists")
	require.NotContains(t, detail, "read")
}

func TestAnonymousMayOnlyReadAndWrite(t *testing.T) {
	t.Parallel()
	principal := auth.Anonymous()
	require.Equal(t, "anonymous", principal.Name)
	require.NoError(t, principal.Authorize(start, "default"))
	require.NoError(t, principal.Authorize(getSystemInfo, ""))
	require.Error(t, principal.Authorize(updateNamespace, "default"))
	require.Error(t, principal.Authorize(listNamespaces, ""))
	require.Error(t, principal.Authorize(describe, auth.SystemNamespace))
}

func TestAuthorizeAllocatesNothing(t *testing.T) { //nolint:paralleltest // AllocsPerRun panics in parallel tests
	principal := &auth.Principal{Name: "dev", Grants: append(oneGrant("team-*", auth.RoleRead), oneGrant("default", auth.RoleWrite)...)}
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = principal.Authorize(start, "default") }))
}

func BenchmarkAuthorize(b *testing.B) {
	principal := &auth.Principal{Name: "dev", Grants: append(oneGrant("team-*", auth.RoleRead), oneGrant("default", auth.RoleWrite)...)}
	b.ReportAllocs()
	for b.Loop() {
		_ = principal.Authorize(start, "default")
	}
}

// A grant by operation permits the RPCs of its operations and no others, in its namespace.
func TestAuthorizeByOperation(t *testing.T) {
	t.Parallel()
	for method, access := range auth.AccessTable() {
		namespace := "default"
		if access.Scope == auth.ScopeCluster {
			namespace = auth.SystemNamespace
		}
		for i, name := range auth.OperationNames() {
			one := auth.Operations(1) << i
			principal := &auth.Principal{Grants: []auth.Grant{{Namespace: namespace, Operations: one}}}
			err := principal.Authorize(method, "default")
			permitted := access.Scope == auth.ScopeNone || one.Contains(access.Operations)
			require.Equal(t, permitted, err == nil, "%s with %s: %v", method, name, err)
			if access.Scope != auth.ScopeNone { // whose requests have no namespace
				require.Equal(t, permitted, principal.AuthorizeInAnyNamespace(method) == nil, "%s with %s", method, name)
			}
			if err != nil {
				require.True(t, problem.Is(err, problem.OperationForbidden), "%v", err)
			}
		}
		if access.Scope == auth.ScopeNone {
			continue
		}
		all := &auth.Principal{Grants: []auth.Grant{{Namespace: namespace, Operations: access.Operations}}}
		require.NoError(t, all.Authorize(method, "default"), method)
		allButThese := &auth.Principal{Grants: []auth.Grant{{Namespace: namespace, Operations: ^access.Operations}}}
		require.Error(t, allButThese.Authorize(method, "default"), method)
		elsewhere := &auth.Principal{Grants: []auth.Grant{{Namespace: "other", Operations: ^auth.Operations(0)}}}
		require.Error(t, elsewhere.Authorize(method, "default"), method)
	}
}

func TestGrantsOnANamespaceAddUp(t *testing.T) {
	t.Parallel()
	const signalWithStart = "/temporal.api.workflowservice.v1.WorkflowService/SignalWithStartWorkflowExecution"
	principal := &auth.Principal{Grants: []auth.Grant{
		{Namespace: "team-*", Operations: auth.OpStart}, {Namespace: "team-a", Operations: auth.OpSignal}, {Namespace: "team-a", Role: auth.RoleRead},
	}}
	require.NoError(t, principal.Authorize(signalWithStart, "team-a"))
	require.NoError(t, principal.Authorize(describe, "team-a"))
	require.True(t, problem.Is(principal.Authorize(signalWithStart, "team-b"), problem.OperationForbidden))
	require.True(t, problem.Is(principal.Authorize(describe, "team-b"), problem.OperationForbidden))
	require.Equal(t, auth.OpStart|auth.OpSignal, principal.OperationsOn("team-a"))
	require.Equal(t, "start on team-*", principal.Grants[0].String())
	require.Equal(t, "read on team-a", principal.Grants[2].String())
}

// The gateway's own reads need any grant on the namespace. Nothing else is permitted without
// the operation.
func TestAuthorizeInternal(t *testing.T) {
	t.Parallel()
	signaller := &auth.Principal{Grants: []auth.Grant{{Namespace: "default", Operations: auth.OpSignal}}}
	bearer := signaller.Restricted("bearer", signaller.Grants[0], &auth.Capability{Signals: []string{"x"}}, time.Time{})
	for method, access := range auth.AccessTable() {
		read := access.Role == auth.RoleRead && access.Scope == auth.ScopeNamespace
		if read {
			require.NoError(t, signaller.AuthorizeInternal(method, "default"), method)
			require.Error(t, bearer.AuthorizeInternal(method, "default"), method)
		} else {
			require.Equal(t, signaller.Authorize(method, "default"), signaller.AuthorizeInternal(method, "default"), method)
		}
		if access.Scope == auth.ScopeNamespace {
			require.Error(t, signaller.AuthorizeInternal(method, "other"), method)
			require.Error(t, (&auth.Principal{}).AuthorizeInternal(method, "default"), method)
		}
	}
	require.Error(t, (*auth.Principal)(nil).AuthorizeInternal(describe, "default"))
}
