package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

const (
	describe   = "/temporal.api.workflowservice.v1.WorkflowService/DescribeWorkflowExecution"
	start      = "/temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution"
	updateNS   = "/temporal.api.workflowservice.v1.WorkflowService/UpdateNamespace"
	listNS     = "/temporal.api.workflowservice.v1.WorkflowService/ListNamespaces"
	systemInfo = "/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo"
	endpoints  = "/temporal.api.operatorservice.v1.OperatorService/CreateNexusEndpoint"
)

func TestAuthorize(t *testing.T) {
	t.Parallel()
	const allowed problem.Code = ""
	for name, test := range map[string]struct {
		grants            []auth.Grant
		method, namespace string
		want              problem.Code
	}{
		"exact":                             {grants("default", auth.RoleWrite), start, "default", allowed},
		"lower role suffices":               {grants("default", auth.RoleWrite), describe, "default", allowed},
		"reader writes":                     {grants("default", auth.RoleRead), start, "default", problem.OperationForbidden},
		"writer administers":                {grants("default", auth.RoleWrite), updateNS, "default", problem.OperationForbidden},
		"admin administers":                 {grants("default", auth.RoleAdmin), updateNS, "default", allowed},
		"other namespace":                   {grants("default", auth.RoleAdmin), describe, "orders", problem.NamespaceForbidden},
		"longer name":                       {grants("default", auth.RoleAdmin), describe, "default2", problem.NamespaceForbidden},
		"other case":                        {grants("default", auth.RoleAdmin), describe, "Default", problem.NamespaceForbidden},
		"prefix":                            {grants("team-*", auth.RoleWrite), start, "team-a", allowed},
		"prefix itself":                     {grants("team-*", auth.RoleWrite), start, "team-", allowed},
		"shorter than prefix":               {grants("team-*", auth.RoleWrite), start, "team", problem.NamespaceForbidden},
		"a literal star as the namespace":   {grants("default", auth.RoleWrite), start, "*", problem.NamespaceForbidden},
		"all namespaces":                    {grants("*", auth.RoleRead), describe, "orders", allowed},
		"empty namespace, star":             {grants("*", auth.RoleAdmin), describe, "", problem.NamespaceForbidden},
		"empty namespace, empty grant":      {grants("", auth.RoleAdmin), describe, "", problem.NamespaceForbidden},
		"star does not cover the system":    {grants("*", auth.RoleAdmin), describe, auth.SystemNamespace, problem.NamespaceForbidden},
		"prefix does not cover the system":  {grants("temporal-*", auth.RoleAdmin), listNS, "", problem.OperationForbidden},
		"system as a prefix":                {grants("temporal-system*", auth.RoleAdmin), listNS, "", problem.OperationForbidden},
		"star does not list namespaces":     {grants("*", auth.RoleAdmin), listNS, "default", problem.OperationForbidden},
		"system lists namespaces":           {grants(auth.SystemNamespace, auth.RoleRead), listNS, "", allowed},
		"system writer creates endpoint":    {grants(auth.SystemNamespace, auth.RoleWrite), endpoints, "", problem.OperationForbidden},
		"system admin creates endpoint":     {grants(auth.SystemNamespace, auth.RoleAdmin), endpoints, "", allowed},
		"system admin in a namespace":       {grants(auth.SystemNamespace, auth.RoleAdmin), describe, "default", problem.NamespaceForbidden},
		"no grant at all":                   {nil, describe, "default", problem.NamespaceForbidden},
		"no grant is needed":                {nil, systemInfo, "", allowed},
		"zero role":                         {grants("default", 0), describe, "default", problem.NamespaceForbidden},
		"unknown method":                    {grants("*", auth.RoleAdmin), "/x.Y/Z", "default", problem.OperationForbidden},
		"highest of several, weaker first":  {append(grants("*", auth.RoleRead), grants("default", auth.RoleWrite)...), start, "default", allowed},
		"highest of several, weaker second": {append(grants("default", auth.RoleWrite), grants("*", auth.RoleRead)...), start, "default", allowed},
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

func grants(namespace string, role auth.Role) []auth.Grant {
	return []auth.Grant{{Namespace: namespace, Role: role}}
}

func TestAuthorizeWithoutAPrincipal(t *testing.T) {
	t.Parallel()
	for _, method := range []string{describe, systemInfo, "/x.Y/Z"} {
		require.True(t, problem.Is((*auth.Principal)(nil).Authorize(method, "default"), problem.Unauthenticated))
	}
}

// An attacker must learn neither which namespaces exist nor which role an operation
// requires.
func TestForbiddenNamespacesHaveTheSameError(t *testing.T) {
	t.Parallel()
	principal := &auth.Principal{Name: "dev", Grants: grants("mine", auth.RoleRead)}
	first := principal.Authorize(describe, "exists")
	for _, method := range []string{describe, start, updateNS} {
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
	require.NoError(t, principal.Authorize(systemInfo, ""))
	require.Error(t, principal.Authorize(updateNS, "default"))
	require.Error(t, principal.Authorize(listNS, ""))
	require.Error(t, principal.Authorize(describe, auth.SystemNamespace))
}

func TestAuthorizeAllocatesNothing(t *testing.T) { //nolint:paralleltest // AllocsPerRun panics in parallel tests
	principal := &auth.Principal{Name: "dev", Grants: append(grants("team-*", auth.RoleRead), grants("default", auth.RoleWrite)...)}
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = principal.Authorize(start, "default") }))
}

func BenchmarkAuthorize(b *testing.B) {
	principal := &auth.Principal{Name: "dev", Grants: append(grants("team-*", auth.RoleRead), grants("default", auth.RoleWrite)...)}
	b.ReportAllocs()
	for b.Loop() {
		_ = principal.Authorize(start, "default")
	}
}
