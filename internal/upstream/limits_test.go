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

// startRequests returns a request of each RPC that starts a workflow, immediately or
// later, by the name of the RPC.
func startRequests(workflowType, taskQueue string) map[string]proto.Message {
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

// limitedTo returns the context of a caller that may start only the given workflow types,
// on the given task queues. An empty list means no limit.
func limitedTo(ctx context.Context, types, queues []string) context.Context {
	return upstream.WithOptions(auth.WithPrincipal(ctx, &auth.Principal{
		Name: "limited", Grants: []auth.Grant{{Namespace: orders, Role: auth.RoleWrite}}, WorkflowTypes: types, TaskQueues: queues,
	}), &upstream.CallOptions{Namespace: orders})
}

func TestALimitedCallerMayStartOnlyItsTypesOnItsQueues(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	types, queues := []string{"Order", "Refund"}, []string{"orders"}
	for name := range startRequests("", "") {
		for _, test := range []struct {
			workflowType, taskQueue string
			types, queues           []string // the limits of the caller
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
			_, err := client.Invoke(limitedTo(t.Context(), test.types, test.queues), workflowService+name,
				upstreamtest.Wire(t, startRequests(test.workflowType, test.taskQueue)[name]))
			require.Equal(t, test.rejected, problem.Is(err, problem.OperationForbidden), "%s %+v: %v", name, test, err)
			if test.rejected {
				require.Len(t, server.AllCalls(), before)
			}
		}
	}
}

// A decoder keeps only the last of two occurrences of a field, and a sticky task queue has
// a second name. Both could hide a name from the check.
func TestNoEncodingHidesANameFromTheLimits(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	payout := upstreamtest.Wire(t, &workflowservice.StartWorkflowExecutionRequest{Namespace: orders, WorkflowType: &common.WorkflowType{Name: "Payout"}})
	order := upstreamtest.Wire(t, &workflowservice.StartWorkflowExecutionRequest{Namespace: orders, WorkflowType: &common.WorkflowType{Name: "Order"}})
	for _, request := range [][]byte{append(payout, order...), append(order, payout...)} {
		_, err := client.Invoke(limitedTo(t.Context(), []string{"Order"}, nil), workflowService+"StartWorkflowExecution", request)
		upstreamtest.RequireProblem(t, problem.OperationForbidden, err)
	}
	sticky := &taskqueue.TaskQueue{Name: "orders", NormalName: "payouts"}
	_, err := client.Invoke(limitedTo(t.Context(), nil, []string{"orders"}), workflowService+"PollWorkflowTaskQueue",
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
	ctx := upstream.WithOptions(auth.WithPrincipal(t.Context(), bearer), &upstream.CallOptions{Namespace: orders})
	execution := func(id string) *common.WorkflowExecution { return &common.WorkflowExecution{WorkflowId: id} }
	requests := func(workflowID, signal, updateName string) map[string]proto.Message {
		return map[string]proto.Message{
			"DescribeWorkflowExecution":   &workflowservice.DescribeWorkflowExecutionRequest{Namespace: orders, Execution: execution(workflowID)},
			"GetWorkflowExecutionHistory": &workflowservice.GetWorkflowExecutionHistoryRequest{Namespace: orders, Execution: execution(workflowID)},
			"QueryWorkflow":               &workflowservice.QueryWorkflowRequest{Namespace: orders, Execution: execution(workflowID)},
			"SignalWorkflowExecution": &workflowservice.SignalWorkflowExecutionRequest{
				Namespace: orders, WorkflowExecution: execution(workflowID), SignalName: signal,
			},
			"UpdateWorkflowExecution": &workflowservice.UpdateWorkflowExecutionRequest{
				Namespace: orders, WorkflowExecution: execution(workflowID), Request: &update.Request{Input: &update.Input{Name: updateName}},
			},
			"PollWorkflowExecutionUpdate": &workflowservice.PollWorkflowExecutionUpdateRequest{
				Namespace: orders, UpdateRef: &update.UpdateRef{WorkflowExecution: execution(workflowID), UpdateId: "u"},
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
		for _, notPermitted := range []string{"reject", ""} {
			_, err := client.Invoke(ctx, workflowService+name, upstreamtest.Wire(t, requests("w", notPermitted, notPermitted)[name]))
			require.Error(t, err, "%s %q", name, notPermitted)
		}
	}
	for method, access := range auth.AccessTable() {
		if access.Scope != auth.ScopeNone {
			_, err := client.Invoke(ctx, method, upstreamtest.Wire(t, &workflowservice.DescribeNamespaceRequest{Namespace: orders}))
			require.Error(t, err, method)
		}
	}
	require.Len(t, server.AllCalls(), before)
}

// Batch operations, schedules of other callers and the server's own workflows can start
// work that the request does not name.
func TestALimitedCallerCannotStartWorkIndirectly(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	systemWorkflow := &common.WorkflowExecution{WorkflowId: "temporal-sys-scheduler:s"}
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
		{"SignalWorkflowExecution", signal(systemWorkflow), true},
		{"SignalWorkflowExecution", signal(&common.WorkflowExecution{WorkflowId: "order-1"}), false},
		{"UpdateWorkflowExecution", &workflowservice.UpdateWorkflowExecutionRequest{Namespace: orders, WorkflowExecution: systemWorkflow}, true},
		{"StartBatchOperation", &workflowservice.StartBatchOperationRequest{Namespace: orders, JobId: "j"}, true},
		{"PatchSchedule", patch(&schedule.SchedulePatch{TriggerImmediately: &schedule.TriggerImmediatelyRequest{}}), true},
		{"PatchSchedule", patch(&schedule.SchedulePatch{BackfillRequest: []*schedule.BackfillRequest{{}}}), true},
		{"PatchSchedule", patch(&schedule.SchedulePatch{Unpause: "go"}), true},
		{"PatchSchedule", patch(&schedule.SchedulePatch{Pause: "stop"}), false},
	} {
		for _, types := range [][]string{nil, {"Order"}} {
			before := len(server.AllCalls())
			_, err := client.Invoke(limitedTo(t.Context(), types, nil), workflowService+test.method, upstreamtest.Wire(t, test.request))
			rejected := test.rejected && types != nil
			require.Equal(t, rejected, problem.Is(err, problem.OperationForbidden), "%s %v: %v", test.method, types, err)
			require.Equal(t, rejected, len(server.AllCalls()) == before)
		}
	}
}
