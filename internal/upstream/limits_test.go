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

// starts returns the requests that start a workflow, immediately or later, by RPC.
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
		"ExecuteMultiOperation": upstreamtest.UpdateWithStart(start, &workflowservice.UpdateWorkflowExecutionRequest{
			Namespace: orders, Request: &update.Request{Input: &update.Input{Name: "u"}},
		}),
		"CreateSchedule":               &workflowservice.CreateScheduleRequest{Namespace: orders, ScheduleId: "s", Schedule: scheduled},
		"UpdateSchedule":               &workflowservice.UpdateScheduleRequest{Namespace: orders, ScheduleId: "s", Schedule: scheduled},
		"RespondWorkflowTaskCompleted": &workflowservice.RespondWorkflowTaskCompletedRequest{Namespace: orders, Commands: []*command.Command{child}},
	}
}

// limited returns the context of a caller that may start only the given types on the
// given queues.
func limited(ctx context.Context, types, queues []string) context.Context {
	return upstream.NewContext(auth.WithPrincipal(ctx, &auth.Principal{
		Name: "limited", Grants: []auth.Grant{{Namespace: orders, Role: auth.RoleWrite}}, WorkflowTypes: types, TaskQueues: queues,
	}), &upstream.CallOptions{Namespace: orders})
}

func TestALimitedCallerStartsOnlyItsTypesOnItsQueues(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	types, queues := []string{"Order", "Refund"}, []string{"orders"}
	for name := range starts("", "") {
		for _, test := range []struct {
			workflowType, taskQueue string
			types, queues           []string
			rejected                bool
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
				upstreamtest.Wire(t, starts(test.workflowType, test.taskQueue)[name]))
			require.Equal(t, test.rejected, problem.Is(err, problem.OperationForbidden), "%s %+v: %v", name, test, err)
			if test.rejected {
				require.Len(t, server.AllCalls(), before)
			}
		}
	}
}

// A decoder keeps only the last occurrence of a repeated field, and a sticky queue
// has a second name: both could hide a name from the check.
func TestNoEncodingEvadesALimit(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	first := upstreamtest.Wire(t, &workflowservice.StartWorkflowExecutionRequest{Namespace: orders, WorkflowType: &common.WorkflowType{Name: "Payout"}})
	second := upstreamtest.Wire(t, &workflowservice.StartWorkflowExecutionRequest{Namespace: orders, WorkflowType: &common.WorkflowType{Name: "Order"}})
	for _, request := range [][]byte{append(first, second...), append(second, first...)} {
		_, err := client.Invoke(limited(t.Context(), []string{"Order"}, nil), workflowService+"StartWorkflowExecution", request)
		upstreamtest.RequireProblem(t, problem.OperationForbidden, err)
	}
	sticky := &taskqueue.TaskQueue{Name: "orders", NormalName: "payouts"}
	_, err := client.Invoke(limited(t.Context(), nil, []string{"orders"}), workflowService+"PollWorkflowTaskQueue",
		upstreamtest.Wire(t, &workflowservice.PollWorkflowTaskQueueRequest{Namespace: orders, TaskQueue: sticky}))
	upstreamtest.RequireProblem(t, problem.OperationForbidden, err)
	require.Empty(t, server.AllCalls())
}

func TestADelegatedTokenPermitsOnlyItsWorkflow(t *testing.T) {
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
		_, err := client.Invoke(ctx, workflowService+name, upstreamtest.Wire(t, request))
		require.False(t, problem.Is(err, problem.OperationForbidden), "%s: %v", name, err)
	}
	before := len(server.AllCalls())
	for name, request := range requests("other", "approve", "set") {
		_, err := client.Invoke(ctx, workflowService+name, upstreamtest.Wire(t, request))
		require.True(t, problem.Is(err, problem.OperationForbidden), "%s: %v", name, err)
	}
	for _, name := range []string{"SignalWorkflowExecution", "UpdateWorkflowExecution"} {
		for _, named := range []string{"reject", ""} {
			_, err := client.Invoke(ctx, workflowService+name, upstreamtest.Wire(t, requests("w", named, named)[name]))
			require.Error(t, err, "%s %q", name, named)
		}
	}
	for method, access := range auth.AccessTable() {
		if access.Scope != auth.ScopeOpen {
			_, err := client.Invoke(ctx, method, upstreamtest.Wire(t, &workflowservice.DescribeNamespaceRequest{Namespace: orders}))
			require.Error(t, err, method)
		}
	}
	require.Len(t, server.AllCalls(), before)
}

// The server's own workflows, batches, and schedules of other callers can start work
// that a request does not name.
func TestNoIndirectStartEvadesALimit(t *testing.T) {
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
		method   string
		request  proto.Message
		rejected bool
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
			_, err := client.Invoke(limited(t.Context(), types, nil), workflowService+test.method, upstreamtest.Wire(t, test.request))
			rejected := test.rejected && types != nil
			require.Equal(t, rejected, problem.Is(err, problem.OperationForbidden), "%s %v: %v", test.method, types, err)
			require.Equal(t, rejected, len(server.AllCalls()) == before)
		}
	}
}
