package inspect_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/command/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/compute/v1"
	"go.temporal.io/api/nexus/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/inspect"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// If a new version of the API adds an RPC that writes, the test fails until the RPC is
// classified in starts.go.
func TestEveryWriteIsClassified(t *testing.T) {
	t.Parallel()
	linked := upstreamtest.Methods()
	for name, method := range linked {
		access, ok := auth.AccessOf(name)
		require.True(t, ok, name)
		classified, named := inspect.Classified(name)
		require.Equal(t, access.Role > auth.RoleRead, classified, "%s: classify it in starts.go by the work that it can start", name)
		if !named {
			continue
		}
		fields, names := map[string]protoreflect.FieldDescriptor{}, false
		fieldsWithin(method.Input(), fields, map[protoreflect.FullName]bool{})
		for _, field := range fields {
			mark := inspect.Mark(field)
			names = names || mark == "type" || mark == "queue" || mark == "endpoint"
		}
		require.True(t, names, "%s is classified as startsNamed, but no field of its request names work", name)
	}
	listed := map[string]bool{}
	for _, name := range inspect.ClassifiedMethods() {
		require.Contains(t, linked, name)
		require.False(t, listed[name], "%s is classified twice", name)
		listed[name] = true
	}
}

func TestALimitedCallerCannotStartUnnamedWork(t *testing.T) {
	t.Parallel()
	systemWorkflow := &common.WorkflowExecution{WorkflowId: "temporal-sys-scheduler:s"}
	taskThatSignals := func(execution *common.WorkflowExecution) proto.Message {
		return &workflowservice.RespondWorkflowTaskCompletedRequest{Namespace: orders, Commands: []*command.Command{{
			Attributes: &command.Command_SignalExternalWorkflowExecutionCommandAttributes{
				SignalExternalWorkflowExecutionCommandAttributes: &command.SignalExternalWorkflowExecutionCommandAttributes{Execution: execution},
			},
		}}}
	}
	for _, test := range []struct {
		method   string
		request  proto.Message
		rejected bool // for a limited caller
	}{
		{workflowService + "ResetWorkflowExecution", &workflowservice.ResetWorkflowExecutionRequest{Namespace: orders}, true},
		{workflowService + "StartBatchOperation", &workflowservice.StartBatchOperationRequest{Namespace: orders}, true},
		{workflowService + "PatchSchedule", &workflowservice.PatchScheduleRequest{Namespace: orders, Patch: &schedule.SchedulePatch{Unpause: "go"}}, true},
		{workflowService + "PatchSchedule", &workflowservice.PatchScheduleRequest{Namespace: orders, Patch: &schedule.SchedulePatch{Pause: "stop"}}, false},
		{workflowService + "CreateWorkerDeploymentVersion", &workflowservice.CreateWorkerDeploymentVersionRequest{Namespace: orders}, true},
		{
			workflowService + "ValidateWorkerDeploymentVersionComputeConfig",
			&workflowservice.ValidateWorkerDeploymentVersionComputeConfigRequest{Namespace: orders}, true,
		},
		{operatorService + "CreateNexusEndpoint", &operatorservice.CreateNexusEndpointRequest{Spec: &nexus.EndpointSpec{Name: "payments"}}, true},
		{operatorService + "UpdateNexusEndpoint", &operatorservice.UpdateNexusEndpointRequest{Id: "e"}, true},
		{operatorService + "DeleteNexusEndpoint", &operatorservice.DeleteNexusEndpointRequest{Id: "e"}, false},
		{workflowService + "RespondWorkflowTaskCompleted", taskThatSignals(systemWorkflow), true},
		{workflowService + "RespondWorkflowTaskCompleted", taskThatSignals(&common.WorkflowExecution{WorkflowId: "order-1"}), false},
		{workflowService + "TerminateWorkflowExecution", &workflowservice.TerminateWorkflowExecutionRequest{Namespace: orders}, false},
	} {
		for _, principal := range []auth.Principal{{}, {WorkflowTypes: []string{"Order"}}, {TaskQueues: []string{"orders"}}, {NexusEndpoints: []string{"payments"}}} {
			err := checkFor(principal, test.method, upstreamtest.Wire(t, test.request))
			rejected := test.rejected && principal.Limited()
			require.Equal(t, rejected, problem.Is(err, problem.OperationForbidden), "%s %+v: %v", test.method, principal, err)
		}
	}
}

// nexusCalls returns a request of each RPC that can call a Nexus endpoint, by the name of
// the RPC.
func nexusCalls(endpoint string) map[string]proto.Message {
	provider := &compute.ComputeProvider{NexusEndpoint: endpoint}
	return map[string]proto.Message{
		"StartNexusOperationExecution": &workflowservice.StartNexusOperationExecutionRequest{Namespace: orders, OperationId: "o", Endpoint: endpoint},
		"RespondWorkflowTaskCompleted": &workflowservice.RespondWorkflowTaskCompletedRequest{Namespace: orders, Commands: []*command.Command{{
			Attributes: &command.Command_ScheduleNexusOperationCommandAttributes{
				ScheduleNexusOperationCommandAttributes: &command.ScheduleNexusOperationCommandAttributes{Endpoint: endpoint},
			},
		}}},
		"CreateWorkerDeploymentVersion": &workflowservice.CreateWorkerDeploymentVersionRequest{Namespace: orders, ComputeConfig: &compute.ComputeConfig{
			ScalingGroups: map[string]*compute.ComputeConfigScalingGroup{"g": {Provider: provider}},
		}},
	}
}

func TestALimitedCallerMayCallOnlyItsEndpoints(t *testing.T) {
	t.Parallel()
	types, queues, endpoints := []string{"Order"}, []string{"orders"}, []string{"payments", "refunds"}
	for name := range nexusCalls("") {
		for _, test := range []struct {
			endpoint  string
			principal auth.Principal
			rejected  bool
		}{
			{"payments", auth.Principal{}, false},
			{"payments", auth.Principal{WorkflowTypes: types}, true},
			{"payments", auth.Principal{TaskQueues: queues}, true},
			{"payments", auth.Principal{WorkflowTypes: types, TaskQueues: queues, NexusEndpoints: endpoints}, false},
			{"refunds", auth.Principal{NexusEndpoints: endpoints}, false},
			{"Payments", auth.Principal{NexusEndpoints: endpoints}, true},
			{"payouts", auth.Principal{TaskQueues: queues, NexusEndpoints: endpoints}, true},
			{"__temporal_system", auth.Principal{NexusEndpoints: endpoints}, true}, // the server's own endpoint
		} {
			err := checkFor(test.principal, workflowService+name, upstreamtest.Wire(t, nexusCalls(test.endpoint)[name]))
			// Creating a version is rejected for every limited caller, because it also starts unnamed work.
			rejected := test.rejected || name == "CreateWorkerDeploymentVersion" && test.principal.Limited()
			require.Equal(t, rejected, problem.Is(err, problem.OperationForbidden), "%s %+v: %v", name, test, err)
		}
	}
}

// callbacks returns a request of each RPC that can attach completion callbacks, by the
// name of the RPC.
func callbacks(attached ...*common.Callback) map[string]proto.Message {
	start := &workflowservice.StartWorkflowExecutionRequest{Namespace: orders, WorkflowId: "w", CompletionCallbacks: attached}
	change := &workflowservice.UpdateWorkflowExecutionRequest{
		Namespace: orders, Request: &update.Request{Input: &update.Input{Name: "u"}, CompletionCallbacks: attached},
	}
	return map[string]proto.Message{
		"StartWorkflowExecution":       start,
		"UpdateWorkflowExecution":      change,
		"ExecuteMultiOperation":        upstreamtest.UpdateWithStart(&workflowservice.StartWorkflowExecutionRequest{Namespace: orders}, change),
		"StartActivityExecution":       &workflowservice.StartActivityExecutionRequest{Namespace: orders, CompletionCallbacks: attached},
		"StartNexusOperationExecution": &workflowservice.StartNexusOperationExecutionRequest{Namespace: orders, CompletionCallbacks: attached},
	}
}

func TestCompletionCallbacksRequirePermission(t *testing.T) {
	t.Parallel()
	external := &common.Callback{Variant: &common.Callback_Nexus_{Nexus: &common.Callback_Nexus{
		Url: "temporal://system", Header: map[string]string{"temporal-callback-token": "forged"},
	}}}
	internal := &common.Callback{Variant: &common.Callback_Internal_{Internal: &common.Callback_Internal{Data: []byte("x")}}}
	handler := &common.Callback{Variant: &common.Callback_NexusHandler_{NexusHandler: &common.Callback_NexusHandler{TaskQueueName: "payouts"}}}
	for name := range callbacks() {
		for _, attached := range [][]*common.Callback{nil, {external}, {internal}, {{}}, {handler}} {
			for _, allowed := range []bool{false, true} {
				for _, queues := range [][]string{nil, {"orders"}} {
					principal := auth.Principal{CompletionCallbacks: allowed, TaskQueues: queues}
					err := checkFor(principal, workflowService+name, upstreamtest.Wire(t, callbacks(attached...)[name]))
					otherQueue := queues != nil && len(attached) > 0 && attached[0] == handler // names a queue that is not allowed
					rejected := len(attached) > 0 && !allowed || otherQueue
					require.Equal(t, rejected, problem.Is(err, problem.OperationForbidden), "%s %v %+v: %v", name, attached, principal, err)
				}
			}
		}
	}
}
