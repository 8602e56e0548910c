package inspect_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/batch/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// requireNeeds requires that a request needs exactly the operations, beside those of its RPC.
func requireNeeds(t *testing.T, needed auth.Operations, rpc string, request proto.Message) {
	t.Helper()
	wire, method := upstreamtest.Wire(t, request), workflowService+rpc
	access, _ := auth.AccessOf(method)
	grant := func(operations auth.Operations) auth.Principal {
		return auth.Principal{Grants: []auth.Grant{{Namespace: orders, Operations: operations}}, CompletionCallbacks: true}
	}
	require.NoError(t, checkFor(grant(access.Operations|needed), method, wire), rpc)
	for _, name := range needed.Names() {
		one, _ := auth.ParseOperation(name)
		err := checkFor(grant(^one), method, wire)
		require.True(t, problem.Is(err, problem.OperationForbidden), "%s without %s: %v", rpc, name, err)
	}
	require.NoError(t, checkFor(auth.Principal{
		Grants: []auth.Grant{{Namespace: orders, Role: access.Role}}, CompletionCallbacks: true,
	}, method, wire), "a role permits all that the RPC does")
}

// The operation of a batch is a oneof: each of its members needs an operation, and one that is
// added to the API needs all until this package knows it.
func TestABatchNeedsWhatItDoes(t *testing.T) {
	t.Parallel()
	want := map[protoreflect.Name]auth.Operations{
		"termination_operation": auth.OpTerminate, "signal_operation": auth.OpSignal, "cancellation_operation": auth.OpCancel,
		"deletion_operation": auth.OpDelete, "reset_operation": auth.OpReset, "update_workflow_options_operation": auth.OpSetOptions,
		"unpause_activities_operation": auth.OpControlActivities, "reset_activities_operation": auth.OpControlActivities,
		"update_activity_options_operation": auth.OpControlActivities, "cancel_activities_operation": auth.OpControlActivities,
		"terminate_activities_operation": auth.OpControlActivities, "delete_activities_operation": auth.OpDeleteActivities,
	}
	message := &workflowservice.StartBatchOperationRequest{}
	members := message.ProtoReflect().Descriptor().Oneofs().ByName("operation").Fields()
	for i := range members.Len() {
		field := members.Get(i)
		require.NotZero(t, want[field.Name()], "%s: add it to operations.go", field.Name())
		request := &workflowservice.StartBatchOperationRequest{Namespace: orders}
		request.ProtoReflect().Set(field, request.ProtoReflect().NewField(field))
		requireNeeds(t, want[field.Name()], "StartBatchOperation", request)
	}
	requireNeeds(t, auth.OpReset|auth.OpSignal|auth.OpSetOptions, "StartBatchOperation", &workflowservice.StartBatchOperationRequest{
		Namespace: orders, Operation: &workflowservice.StartBatchOperationRequest_ResetOperation{
			ResetOperation: &batch.BatchOperationReset{PostResetOperations: postReset()},
		},
	})
	none := auth.Principal{Grants: []auth.Grant{{Namespace: orders, Operations: auth.OpWriteBatches | auth.OpSignal}}}
	err := checkFor(none, workflowService+"StartBatchOperation", upstreamtest.Wire(t, &workflowservice.StartBatchOperationRequest{Namespace: orders}))
	require.True(t, problem.Is(err, problem.OperationForbidden), "an operation that is not known: %v", err)
}

func postReset() []*workflow.PostResetOperation {
	return []*workflow.PostResetOperation{
		{Variant: &workflow.PostResetOperation_SignalWorkflow_{SignalWorkflow: &workflow.PostResetOperation_SignalWorkflow{}}},
		{Variant: &workflow.PostResetOperation_UpdateWorkflowOptions_{UpdateWorkflowOptions: &workflow.PostResetOperation_UpdateWorkflowOptions{}}},
	}
}

func TestAResetNeedsItsPostResetOperations(t *testing.T) {
	t.Parallel()
	requireNeeds(t, 0, "ResetWorkflowExecution", &workflowservice.ResetWorkflowExecutionRequest{Namespace: orders})
	requireNeeds(t, auth.OpSignal|auth.OpSetOptions, "ResetWorkflowExecution",
		&workflowservice.ResetWorkflowExecutionRequest{Namespace: orders, PostResetOperations: postReset()})
}

// With these policies, a start terminates the workflow that has its id.
func TestAStartThatTerminatesNeedsTerminate(t *testing.T) {
	t.Parallel()
	for _, value := range enums.WorkflowIdConflictPolicy_value {
		policy, needed := enums.WorkflowIdConflictPolicy(value), auth.Operations(0)
		if policy == enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING {
			needed = auth.OpTerminate
		}
		start := &workflowservice.StartWorkflowExecutionRequest{Namespace: orders, WorkflowIdConflictPolicy: policy}
		requireNeeds(t, needed, "StartWorkflowExecution", start)
		requireNeeds(t, needed, "SignalWithStartWorkflowExecution",
			&workflowservice.SignalWithStartWorkflowExecutionRequest{Namespace: orders, WorkflowIdConflictPolicy: policy})
		requireNeeds(t, needed, "ExecuteMultiOperation", multi(start))
	}
	for _, value := range enums.WorkflowIdReusePolicy_value {
		policy, needed := enums.WorkflowIdReusePolicy(value), auth.Operations(0)
		if policy == enums.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING { //nolint:staticcheck // servers honour it
			needed = auth.OpTerminate
		}
		requireNeeds(t, needed, "StartWorkflowExecution",
			&workflowservice.StartWorkflowExecutionRequest{Namespace: orders, WorkflowIdReusePolicy: policy})
	}
}

// multi returns an update-with-start.
func multi(start *workflowservice.StartWorkflowExecutionRequest) *workflowservice.ExecuteMultiOperationRequest {
	return &workflowservice.ExecuteMultiOperationRequest{Namespace: orders, Operations: []*workflowservice.ExecuteMultiOperationRequest_Operation{
		{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_StartWorkflow{StartWorkflow: start}},
		{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_UpdateWorkflow{
			UpdateWorkflow: &workflowservice.UpdateWorkflowExecutionRequest{Namespace: orders},
		}},
	}}
}

// A schedule may terminate or cancel the workflows that it has started.
func TestASchedulesPoliciesNeedTheirOperation(t *testing.T) {
	t.Parallel()
	for policy, needed := range map[enums.ScheduleOverlapPolicy]auth.Operations{
		enums.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER: auth.OpTerminate,
		enums.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER:    auth.OpCancel,
		enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL:      0,
	} {
		policies := &schedule.Schedule{Policies: &schedule.SchedulePolicies{OverlapPolicy: policy}}
		trigger := &schedule.SchedulePatch{TriggerImmediately: &schedule.TriggerImmediatelyRequest{OverlapPolicy: policy}}
		backfill := &schedule.SchedulePatch{BackfillRequest: []*schedule.BackfillRequest{{OverlapPolicy: policy}}}
		requireNeeds(t, needed, "CreateSchedule", &workflowservice.CreateScheduleRequest{Namespace: orders, Schedule: policies})
		requireNeeds(t, needed, "CreateSchedule", &workflowservice.CreateScheduleRequest{Namespace: orders, InitialPatch: trigger})
		requireNeeds(t, needed, "UpdateSchedule", &workflowservice.UpdateScheduleRequest{Namespace: orders, Schedule: policies})
		requireNeeds(t, needed, "PatchSchedule", &workflowservice.PatchScheduleRequest{Namespace: orders, Patch: trigger})
		requireNeeds(t, needed, "PatchSchedule", &workflowservice.PatchScheduleRequest{Namespace: orders, Patch: backfill})
	}
}

// A signal to the workflow of a schedule could start any workflow, so a grant on operations does
// not extend to the workflows of the server itself.
func TestOperationsDoNotExtendToSystemWorkflows(t *testing.T) {
	t.Parallel()
	const system = "temporal-sys-scheduler:s"
	execution := &common.WorkflowExecution{WorkflowId: system}
	batchOf := func(query string, executions ...*common.WorkflowExecution) proto.Message {
		return &workflowservice.StartBatchOperationRequest{
			Namespace: orders, VisibilityQuery: query,
			Executions: executions, //nolint:staticcheck // the server still honours the deprecated field
			Operation:  &workflowservice.StartBatchOperationRequest_SignalOperation{SignalOperation: &batch.BatchOperationSignal{}},
		}
	}
	for _, test := range []struct {
		rpc     string
		request proto.Message
	}{
		{"SignalWorkflowExecution", &workflowservice.SignalWorkflowExecutionRequest{Namespace: orders, WorkflowExecution: execution}},
		{"TerminateWorkflowExecution", &workflowservice.TerminateWorkflowExecutionRequest{Namespace: orders, WorkflowExecution: execution}},
		{"QueryWorkflow", &workflowservice.QueryWorkflowRequest{Namespace: orders, Execution: execution}},
		{"GetWorkflowExecutionHistory", &workflowservice.GetWorkflowExecutionHistoryRequest{Namespace: orders, Execution: execution}},
		{"StartBatchOperation", batchOf("", execution)},
		{"StartBatchOperation", batchOf("`TemporalNamespaceDivision` = 'TemporalScheduler'")},
	} {
		wire, method := upstreamtest.Wire(t, test.request), workflowService+test.rpc
		byOperations := auth.Principal{Grants: []auth.Grant{{Namespace: orders, Operations: ^auth.Operations(0)}}}
		err := checkFor(byOperations, method, wire)
		require.True(t, problem.Is(err, problem.OperationForbidden), "%s: %v", test.rpc, err)
		byRole := auth.Principal{Grants: []auth.Grant{{Namespace: orders, Role: auth.RoleAdmin}}}
		require.NoError(t, checkFor(byRole, method, wire), test.rpc)
	}
}
