package auth_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/auth"
)

// linkedMethods returns the methods of the linked Temporal API by full method name.
func linkedMethods() map[string]protoreflect.MethodDescriptor {
	methods := map[string]protoreflect.MethodDescriptor{}
	for method := range auth.Methods() {
		methods[auth.FullMethod(method)] = method
	}
	return methods
}

func TestAccessTableMatchesTheLinkedAPI(t *testing.T) {
	t.Parallel()
	linked := linkedMethods()
	require.NotEmpty(t, linked)
	for name := range linked {
		_, ok := auth.AccessOf(name)
		require.True(t, ok, "%s is not in the table: add a row", name)
	}
	for name := range auth.AccessTable() {
		require.Contains(t, linked, name, "the linked API has no such method")
	}
}

func TestAccessDeniesByDefault(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "/", "StartWorkflowExecution",
		"/temporal.api.workflowservice.v1.WorkflowService/",
		"/temporal.api.workflowservice.v1.WorkflowService/startWorkflowExecution",
		"temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution",
		"/temporal.api.workflowservice.v1.WorkflowService/DeleteNamespace",
		"/temporal.server.api.adminservice.v1.AdminService/DescribeCluster",
		"/grpc.health.v1.Health/Check",
	} {
		access, ok := auth.AccessOf(name)
		require.False(t, ok, name)
		require.Zero(t, access, name)
	}
}

// isReadByName guesses from the name of a method whether it only reads. It is a second
// source, to compare the access table with.
func isReadByName(method string) bool {
	if strings.HasPrefix(method, "Poll") {
		return !strings.HasSuffix(method, "TaskQueue")
	}
	return slices.ContainsFunc(
		[]string{"Get", "List", "Describe", "Count", "Scan", "Query", "Fetch"},
		func(verb string) bool { return strings.HasPrefix(method, verb) },
	)
}

func TestAccessTableAgreesWithMethodNames(t *testing.T) {
	t.Parallel()
	for name, method := range linkedMethods() {
		access, _ := auth.AccessOf(name)
		namespaced := method.Input().Fields().ByName("namespace") != nil
		require.Equal(t, namespaced, access.Scope == auth.ScopeNamespace, "%s: scope", name)
		require.Equal(t, method.Name() == "GetSystemInfo", access.Scope == auth.ScopeNone, "%s: open", name)
		if isReadByName(string(method.Name())) {
			require.NotEqual(t, auth.RoleWrite, access.Role, "%s is a read", name)
			require.True(t, namespaced || access.Role == auth.RoleRead || strings.Contains(name, "OperatorService"), name)
		} else {
			require.GreaterOrEqual(t, access.Role, auth.RoleWrite, "%s is a write", name)
		}
	}
}

func TestAccessOfWellKnownMethods(t *testing.T) {
	t.Parallel()
	const workflow, operator = "/temporal.api.workflowservice.v1.WorkflowService/", "/temporal.api.operatorservice.v1.OperatorService/"
	for name, want := range map[string]auth.Access{
		workflow + "StartWorkflowExecution":      {Role: auth.RoleWrite, Scope: auth.ScopeNamespace, Operations: auth.OpStart, Retry: true},
		workflow + "ExecuteMultiOperation":       {Role: auth.RoleWrite, Scope: auth.ScopeNamespace, Operations: auth.OpStart | auth.OpUpdate, Retry: true},
		workflow + "TerminateWorkflowExecution":  {Role: auth.RoleWrite, Scope: auth.ScopeNamespace, Operations: auth.OpTerminate},
		workflow + "QueryWorkflow":               {Role: auth.RoleRead, Scope: auth.ScopeNamespace, Operations: auth.OpQuery, Retry: true},
		workflow + "PollWorkflowExecutionUpdate": {Role: auth.RoleRead, Scope: auth.ScopeNamespace, Operations: auth.OpUpdate, Retry: true},
		workflow + "PollWorkflowTaskQueue":       {Role: auth.RoleWrite, Scope: auth.ScopeNamespace, Operations: auth.OpWorkflowTasks},
		workflow + "PollActivityTaskQueue":       {Role: auth.RoleWrite, Scope: auth.ScopeNamespace, Operations: auth.OpPollActivities},
		workflow + "PollNexusTaskQueue":          {Role: auth.RoleWrite, Scope: auth.ScopeNamespace, Operations: auth.OpNexusTasks},
		workflow + "UpdateNamespace":             {Role: auth.RoleAdmin, Scope: auth.ScopeNamespace, Operations: auth.OpWriteNamespace},
		// This method runs a system workflow.
		workflow + "ValidateWorkerDeploymentVersionComputeConfig": {Role: auth.RoleWrite, Scope: auth.ScopeNamespace, Operations: auth.OpWriteDeployments},
		workflow + "ListNamespaces":                               {Role: auth.RoleRead, Scope: auth.ScopeCluster, Operations: auth.OpReadCluster, Retry: true},
		workflow + "GetSystemInfo":                                {Role: auth.RoleRead, Scope: auth.ScopeNone, Retry: true},
		operator + "DeleteNamespace":                              {Role: auth.RoleAdmin, Scope: auth.ScopeNamespace, Operations: auth.OpDeleteNamespace},
		operator + "CreateNexusEndpoint":                          {Role: auth.RoleAdmin, Scope: auth.ScopeCluster, Operations: auth.OpAdministerCluster},
	} {
		access, ok := auth.AccessOf(name)
		require.True(t, ok, name)
		require.Equal(t, want, access, name)
	}
}

func TestOnlyRepeatableCallsAreRetried(t *testing.T) {
	t.Parallel()
	for name, method := range linkedMethods() {
		access, _ := auth.AccessOf(name)
		repeatable := isReadByName(string(method.Name())) || hasRequestID(method.Input(), nil) && method.Name() != "ResetWorkflowExecution"
		require.Equal(t, repeatable, access.Retry, name)
	}
}

// hasRequestID reports whether a message has a request id or an update id, at any
// depth. It skips links, which contain the request id of another call. Messages in
// ancestors contain the message and are skipped, because types may be recursive.
func hasRequestID(message protoreflect.MessageDescriptor, ancestors []protoreflect.FullName) bool {
	if message.FullName() == "temporal.api.common.v1.Link" || slices.Contains(ancestors, message.FullName()) {
		return false
	}
	ancestors = append(slices.Clone(ancestors), message.FullName())
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if field.Name() == "request_id" || field.Name() == "update_id" {
			return true
		}
		if field.Message() != nil && hasRequestID(field.Message(), ancestors) {
			return true
		}
	}
	return false
}

// composites are the RPCs that need several operations, because they do the work of several RPCs.
func composites() map[string]auth.Operations {
	const service = "/temporal.api.workflowservice.v1.WorkflowService/"
	return map[string]auth.Operations{
		service + "SignalWithStartWorkflowExecution": auth.OpStart | auth.OpSignal,
		service + "ExecuteMultiOperation":            auth.OpStart | auth.OpUpdate,
		service + "CreateSchedule":                   auth.OpStart | auth.OpWriteSchedules,
		service + "UpdateSchedule":                   auth.OpStart | auth.OpWriteSchedules,
	}
}

func TestEveryRPCBelongsToOneOperation(t *testing.T) {
	t.Parallel()
	var used auth.Operations
	for name := range linkedMethods() {
		access, _ := auth.AccessOf(name)
		used |= access.Operations
		switch composite, is := composites()[name]; {
		case access.Scope == auth.ScopeNone:
			require.Zero(t, access.Operations, name)
		case is:
			require.Equal(t, composite, access.Operations, name)
		default:
			require.Len(t, access.Operations.Names(), 1, name)
		}
	}
	require.Equal(t, auth.OperationNames(), used.Names(), "every operation has an RPC")
}

func TestOperationNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i, name := range auth.OperationNames() {
		require.False(t, seen[name], name)
		seen[name] = true
		operation, err := auth.ParseOperation(name)
		require.NoError(t, err)
		require.Equal(t, auth.Operations(1)<<i, operation)
		require.Equal(t, name, operation.String())
	}
	for _, name := range []string{"", "Start", "write", "admin", " read", "start,signal"} {
		_, err := auth.ParseOperation(name)
		require.ErrorContains(t, err, "must be one of start, signal, ", name)
	}
	require.Equal(t, "start, administer-cluster", (auth.OpStart | auth.OpAdministerCluster).String(), "names and constants have the same order")
}

func TestRole(t *testing.T) {
	t.Parallel()
	require.Less(t, auth.RoleRead, auth.RoleWrite)
	require.Less(t, auth.RoleWrite, auth.RoleAdmin)
	for _, name := range []string{"read", "write", "admin"} {
		role, err := auth.ParseRole(name)
		require.NoError(t, err)
		require.Equal(t, name, role.String())
	}
	for _, name := range []string{"", "none", "Admin", "worker", " read"} {
		role, err := auth.ParseRole(name)
		require.Error(t, err, name)
		require.Zero(t, role)
	}
	require.Equal(t, "none", auth.Role(0).String())
}
