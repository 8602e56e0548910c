package upstream_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/command/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// starts are the requests by which a caller can have a workflow started, now or
// later.
func starts(workflowType, taskQueue string) map[string]proto.Message {
	kind, queue := &common.WorkflowType{Name: workflowType}, &taskqueue.TaskQueue{Name: taskQueue}
	start := &workflowservice.StartWorkflowExecutionRequest{Namespace: orders, WorkflowId: "w", WorkflowType: kind, TaskQueue: queue}
	scheduled := &schedule.Schedule{Action: &schedule.ScheduleAction{Action: &schedule.ScheduleAction_StartWorkflow{
		StartWorkflow: &workflow.NewWorkflowExecutionInfo{WorkflowId: "w", WorkflowType: kind, TaskQueue: queue},
	}}}
	child := &command.Command{Attributes: &command.Command_StartChildWorkflowExecutionCommandAttributes{
		StartChildWorkflowExecutionCommandAttributes: &command.StartChildWorkflowExecutionCommandAttributes{
			WorkflowType: kind, TaskQueue: queue,
		},
	}}
	return map[string]proto.Message{
		"StartWorkflowExecution": start,
		"SignalWithStartWorkflowExecution": &workflowservice.SignalWithStartWorkflowExecutionRequest{
			Namespace: orders, WorkflowId: "w", WorkflowType: kind, TaskQueue: queue, SignalName: "s",
		},
		"ExecuteMultiOperation": updateWithStart(start, &workflowservice.UpdateWorkflowExecutionRequest{
			Namespace: orders, Request: &update.Request{Input: &update.Input{Name: "u"}},
		}),
		"CreateSchedule":               &workflowservice.CreateScheduleRequest{Namespace: orders, ScheduleId: "s", Schedule: scheduled},
		"UpdateSchedule":               &workflowservice.UpdateScheduleRequest{Namespace: orders, ScheduleId: "s", Schedule: scheduled},
		"RespondWorkflowTaskCompleted": &workflowservice.RespondWorkflowTaskCompletedRequest{Namespace: orders, Commands: []*command.Command{child}},
	}
}

// limited is the context of a caller that may start some types on some queues.
func limited(ctx context.Context, types, queues []string) context.Context {
	return upstream.NewContext(auth.WithPrincipal(ctx, &auth.Principal{
		Name: "limited", Grants: []auth.Grant{{Namespace: orders, Role: auth.RoleWrite}}, WorkflowTypes: types, TaskQueues: queues,
	}), &upstream.CallOptions{Namespace: orders})
}

func TestALimitedCallerStartsItsTypesOnItsQueuesAlone(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	types, queues := []string{"Order", "Refund"}, []string{"orders"}
	for name := range starts("", "") {
		for _, test := range []struct {
			workflowType, taskQueue string
			types, queues           []string
			refused                 bool
		}{
			{"Order", "orders", types, queues, false},
			{"Refund", "orders", types, queues, false},
			{"Payout", "orders", types, queues, true},
			{"Order", "payouts", types, queues, true},
			{"order", "orders", types, queues, true},
			{"Payout", "orders", nil, queues, false},
			{"Order", "payouts", types, nil, false},
			{"Payout", "payouts", nil, nil, false},
		} {
			before := len(server.AllCalls())
			_, err := client.Invoke(limited(t.Context(), test.types, test.queues), workflowService+name,
				wire(t, starts(test.workflowType, test.taskQueue)[name]))
			require.Equal(t, test.refused, problem.Is(err, problem.OperationForbidden), "%s %+v: %v", name, test, err)
			if test.refused {
				require.Len(t, server.AllCalls(), before)
			}
		}
	}
}

// A repeated field, of which a decoder keeps the last, hides nothing; neither
// does the name that a sticky queue stands for.
func TestALimitIsNotEvaded(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	first := wire(t, &workflowservice.StartWorkflowExecutionRequest{Namespace: orders, WorkflowType: &common.WorkflowType{Name: "Payout"}})
	second := wire(t, &workflowservice.StartWorkflowExecutionRequest{Namespace: orders, WorkflowType: &common.WorkflowType{Name: "Order"}})
	for _, request := range [][]byte{append(first, second...), append(second, first...)} {
		_, err := client.Invoke(limited(t.Context(), []string{"Order"}, nil), workflowService+"StartWorkflowExecution", request)
		requireProblem(t, problem.OperationForbidden, err)
	}
	sticky := &taskqueue.TaskQueue{Name: "orders", NormalName: "payouts"}
	_, err := client.Invoke(limited(t.Context(), nil, []string{"orders"}), workflowService+"PollWorkflowTaskQueue",
		wire(t, &workflowservice.PollWorkflowTaskQueueRequest{Namespace: orders, TaskQueue: sticky}))
	requireProblem(t, problem.OperationForbidden, err)
	require.Empty(t, server.AllCalls())
}

func TestADelegatedTokenIsHeldAgainstItsWorkflow(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	bearer := &auth.Principal{
		Name: "delegated:dev", Grants: []auth.Grant{{Namespace: orders, Role: auth.RoleWrite}},
		Capability: &auth.Capability{Namespace: orders, WorkflowID: "w", Read: true, Signals: []string{"approve"}, Updates: []string{"set"}},
	}
	ctx := upstream.NewContext(auth.WithPrincipal(t.Context(), bearer), &upstream.CallOptions{Namespace: orders})
	execution := func(id string) *common.WorkflowExecution { return &common.WorkflowExecution{WorkflowId: id} }
	requests := func(id, signal, change string) map[string]proto.Message {
		return map[string]proto.Message{
			"DescribeWorkflowExecution":   &workflowservice.DescribeWorkflowExecutionRequest{Namespace: orders, Execution: execution(id)},
			"GetWorkflowExecutionHistory": &workflowservice.GetWorkflowExecutionHistoryRequest{Namespace: orders, Execution: execution(id)},
			"QueryWorkflow":               &workflowservice.QueryWorkflowRequest{Namespace: orders, Execution: execution(id)},
			"SignalWorkflowExecution": &workflowservice.SignalWorkflowExecutionRequest{
				Namespace: orders, WorkflowExecution: execution(id), SignalName: signal,
			},
			"UpdateWorkflowExecution": &workflowservice.UpdateWorkflowExecutionRequest{
				Namespace: orders, WorkflowExecution: execution(id), Request: &update.Request{Input: &update.Input{Name: change}},
			},
			"PollWorkflowExecutionUpdate": &workflowservice.PollWorkflowExecutionUpdateRequest{
				Namespace: orders, UpdateRef: &update.UpdateRef{WorkflowExecution: execution(id), UpdateId: "u"},
			},
		}
	}
	for name, request := range requests("w", "approve", "set") {
		_, err := client.Invoke(ctx, workflowService+name, wire(t, request))
		require.False(t, problem.Is(err, problem.OperationForbidden), "%s: %v", name, err)
	}
	before := len(server.AllCalls())
	for name, request := range requests("other", "approve", "set") {
		_, err := client.Invoke(ctx, workflowService+name, wire(t, request))
		require.True(t, problem.Is(err, problem.OperationForbidden), "%s: %v", name, err)
	}
	for _, name := range []string{"SignalWorkflowExecution", "UpdateWorkflowExecution"} {
		for _, named := range []string{"reject", ""} {
			_, err := client.Invoke(ctx, workflowService+name, wire(t, requests("w", named, named)[name]))
			require.Error(t, err, "%s %q", name, named)
		}
	}
	for method, access := range auth.AccessTable() {
		if access.Scope != auth.ScopeOpen {
			_, err := client.Invoke(ctx, method, wire(t, &workflowservice.DescribeNamespaceRequest{Namespace: orders}))
			require.Error(t, err, method)
		}
	}
	require.Len(t, server.AllCalls(), before)
}

// The ways around: the server's own workflows, batches, and schedules that
// somebody else has made.
func TestALimitIsNotGoneAround(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	system := &common.WorkflowExecution{WorkflowId: "temporal-sys-scheduler:s"}
	patch := func(p *schedule.SchedulePatch) proto.Message {
		return &workflowservice.PatchScheduleRequest{Namespace: orders, ScheduleId: "s", Patch: p}
	}
	signal := func(execution *common.WorkflowExecution) proto.Message {
		return &workflowservice.SignalWorkflowExecutionRequest{Namespace: orders, WorkflowExecution: execution, SignalName: "update"}
	}
	for _, test := range []struct {
		method  string
		request proto.Message
		refused bool
	}{
		{"SignalWorkflowExecution", signal(system), true},
		{"SignalWorkflowExecution", signal(&common.WorkflowExecution{WorkflowId: "order-1"}), false},
		{"UpdateWorkflowExecution", &workflowservice.UpdateWorkflowExecutionRequest{Namespace: orders, WorkflowExecution: system}, true},
		{"StartBatchOperation", &workflowservice.StartBatchOperationRequest{Namespace: orders, JobId: "j"}, true},
		{"PatchSchedule", patch(&schedule.SchedulePatch{TriggerImmediately: &schedule.TriggerImmediatelyRequest{}}), true},
		{"PatchSchedule", patch(&schedule.SchedulePatch{BackfillRequest: []*schedule.BackfillRequest{{}}}), true},
		{"PatchSchedule", patch(&schedule.SchedulePatch{Unpause: "go"}), true},
		{"PatchSchedule", patch(&schedule.SchedulePatch{Pause: "stop"}), false},
	} {
		for _, types := range [][]string{nil, {"Order"}} {
			before := len(server.AllCalls())
			_, err := client.Invoke(limited(t.Context(), types, nil), workflowService+test.method, wire(t, test.request))
			refused := test.refused && types != nil
			require.Equal(t, refused, problem.Is(err, problem.OperationForbidden), "%s %v: %v", test.method, types, err)
			require.Equal(t, refused, len(server.AllCalls()) == before)
		}
	}
}
