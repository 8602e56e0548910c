package inspect_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/inspect"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// token returns a task token whose text fields 1, 2, ... are the given ones.
func token(fields ...string) (wire []byte) {
	for i, text := range fields {
		wire = protowire.AppendString(protowire.AppendTag(wire, protowire.Number(i+1), protowire.BytesType), text)
	}
	return wire
}

func TestTheNamespaceOfATaskTokenIsRead(t *testing.T) {
	t.Parallel()
	const namespaceID = "0198f3c2-5f0e-7c3a-9d52-3f1f7a2b6c01"
	ofActivity := protowire.AppendVarint(protowire.AppendTag(token(namespaceID, "order", "run"), 4, protowire.VarintType), 5)
	for name, test := range map[string]struct {
		token []byte
		want  string
	}{
		"a token of an activity":   {ofActivity, namespaceID},
		"the namespace alone":      {token(namespaceID), namespaceID},
		"the same namespace twice": {append(token(namespaceID), token(namespaceID)...), namespaceID},
		"two namespaces":           {append(token(namespaceID), token("other")...), ""},
		"an empty token":           {nil, ""},
		"an empty namespace":       {token(""), ""},
		"no namespace":             {token("", "order")[2:], ""},
		"not a protobuf message":   {[]byte("token"), ""},
		"a truncated token":        {ofActivity[:len(ofActivity)-1], ""},
		"a namespace that is not a length-delimited field": {[]byte{8, 1}, ""},
	} {
		id, ok := inspect.TaskTokenNamespaceID(test.token)
		require.Equal(t, test.want != "", ok, name)
		if ok {
			require.Equal(t, test.want, id, name)
		}
	}
}

// respond returns a request of each kind of RPC with a task token.
func respond(taskToken []byte) map[string]proto.Message {
	return map[string]proto.Message{
		"RecordActivityTaskHeartbeat":  &workflowservice.RecordActivityTaskHeartbeatRequest{Namespace: orders, TaskToken: taskToken},
		"RespondActivityTaskCompleted": &workflowservice.RespondActivityTaskCompletedRequest{Namespace: orders, TaskToken: taskToken},
		"RespondActivityTaskFailed":    &workflowservice.RespondActivityTaskFailedRequest{Namespace: orders, TaskToken: taskToken},
		"RespondActivityTaskCanceled":  &workflowservice.RespondActivityTaskCanceledRequest{Namespace: orders, TaskToken: taskToken},
		"RespondWorkflowTaskCompleted": &workflowservice.RespondWorkflowTaskCompletedRequest{Namespace: orders, TaskToken: taskToken},
		"RespondWorkflowTaskFailed":    &workflowservice.RespondWorkflowTaskFailedRequest{Namespace: orders, TaskToken: taskToken},
		"RespondQueryTaskCompleted":    &workflowservice.RespondQueryTaskCompletedRequest{Namespace: orders, TaskToken: taskToken},
		"RespondNexusTaskCompleted":    &workflowservice.RespondNexusTaskCompletedRequest{Namespace: orders, TaskToken: taskToken},
		"RespondNexusTaskFailed":       &workflowservice.RespondNexusTaskFailedRequest{Namespace: orders, TaskToken: taskToken},
	}
}

func TestEveryRequestWithATaskTokenIsRead(t *testing.T) {
	t.Parallel()
	known := respond(token("a"))
	for name, method := range upstreamtest.Methods() {
		taskToken := method.Input().Fields().ByName("task_token")
		require.Equal(t, taskToken != nil, known[string(method.Name())] != nil, name)
		if taskToken == nil {
			continue
		}
		wire := upstreamtest.Wire(t, known[string(method.Name())])
		require.Equal(t, []string{"a"}, compiled[name].TaskTokenNamespaceIDs(wire), name)
		twice := slices.Concat(wire, upstreamtest.Wire(t, respond(append(token("b"), token("c")...))[string(method.Name())]))
		require.Equal(t, []string{"a", "b", "c"}, compiled[name].TaskTokenNamespaceIDs(twice), "a repeated field hides nothing")
		nested := slices.Concat(token("a"), field(14, token("b", "charge")), field(14, token("c")))
		require.Equal(t, []string{"a", "b", "c"}, compiled[name].TaskTokenNamespaceIDs(upstreamtest.Wire(t, respond(nested)[string(method.Name())])),
			"the reference to an activity without a workflow has a namespace too")
	}
}

// A task token is not signed, so a caller can write one for an activity of the server's own
// workflows.
func TestALimitedCallerMayNotSendATokenOfTheServersOwnWork(t *testing.T) {
	t.Parallel()
	for name := range respond(nil) {
		for _, test := range []struct {
			token    []byte
			rejected bool
		}{
			{token("id", "order"), false},
			{token("id", "temporal-sys-batch"), true},
			{append(token("id", "temporal-sys-batch"), token("id", "order")...), true},
			{append(token("id", "order"), token("id", "temporal-sys-batch")...), true},
			{append(token("id"), field(14, token("id", "charge"))...), false},
			{append(token("id", "order"), field(14, token("id", "temporal-sys-batch"))...), true},
		} {
			for _, principal := range []auth.Principal{{}, {TaskQueues: []string{"orders"}}, {WorkflowTypes: []string{"Order"}}} {
				err := checkFor(principal, workflowService+name, upstreamtest.Wire(t, respond(test.token)[name]))
				require.Equal(t, test.rejected && principal.Limited(), problem.Is(err, problem.OperationForbidden), "%s %v %+v: %v", name, test, principal, err)
			}
		}
		err := checkFor(auth.Principal{TaskQueues: []string{"orders"}}, workflowService+name, upstreamtest.Wire(t, respond([]byte("token"))[name]))
		require.True(t, problem.Is(err, problem.InvalidRequest), "%s: a malformed token cannot be checked: %v", name, err)
	}
}

// An activity has no workflow type. A caller that is limited to workflow types could
// otherwise run any activity of any worker.
func TestALimitedCallerStartsActivitiesOnlyOnItsTaskQueues(t *testing.T) {
	t.Parallel()
	const method = workflowservice.WorkflowService_StartActivityExecution_FullMethodName
	for _, test := range []struct {
		principal auth.Principal
		queue     string
		rejected  bool
	}{
		{auth.Principal{}, "orders", false},
		{auth.Principal{TaskQueues: []string{"orders"}}, "orders", false},
		{auth.Principal{TaskQueues: []string{"orders"}}, "payments", true},
		{auth.Principal{TaskQueues: []string{"orders"}, WorkflowTypes: []string{"Order"}}, "orders", false},
		{auth.Principal{WorkflowTypes: []string{"Order"}}, "orders", true},
		{auth.Principal{NexusEndpoints: []string{"payments"}}, "orders", true},
	} {
		err := checkFor(test.principal, method, upstreamtest.Wire(t, startActivity(test.queue)))
		require.Equal(t, test.rejected, problem.Is(err, problem.OperationForbidden), "%+v: %v", test, err)
	}
}

func startActivity(queue string) *workflowservice.StartActivityExecutionRequest {
	return &workflowservice.StartActivityExecutionRequest{Namespace: orders, ActivityId: "a", TaskQueue: &taskqueue.TaskQueue{Name: queue}}
}

func TestTheResourceOfAReportIsInItsToken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		token []byte
		want  string
	}{
		"a workflow":                     {append(token("id", "order", "run"), text(6, "charge")...), "order"},
		"an activity without a workflow": {append(token("id"), text(6, "charge")...), "charge"},
		"a reference":                    {append(token("id"), field(14, token("id", "charge"))...), "charge"},
		"not a token":                    {[]byte("token"), ""},
	} {
		for rpc, request := range respond(test.token) {
			require.Equal(t, test.want, compiled[workflowService+rpc].Resource(upstreamtest.Wire(t, request)), "%s, %s", rpc, name)
		}
	}
}
