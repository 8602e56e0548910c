package inspect_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/upstream/inspect"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// requestFields returns all fields that a request of the linked API can contain, at
// any depth, by full name.
func requestFields() map[string]protoreflect.FieldDescriptor {
	fields, seen := map[string]protoreflect.FieldDescriptor{}, map[protoreflect.FullName]bool{}
	for _, method := range upstreamtest.Methods() {
		fieldsWithin(method.Input(), fields, seen)
	}
	return fields
}

func fieldsWithin(d protoreflect.MessageDescriptor, fields map[string]protoreflect.FieldDescriptor, seen map[protoreflect.FullName]bool) {
	if seen[d.FullName()] {
		return
	}
	seen[d.FullName()] = true
	for field := range fieldsOf(d) {
		fields[string(field.FullName())] = field
		if field.Message() != nil {
			fieldsWithin(field.Message(), fields, seen)
		}
	}
}

// The list has all fields of the linked API that the rules mark. If a new version of the
// API has another such field, the test fails until the field is reviewed and listed.
func TestMarkedFieldsMatchTheReviewedList(t *testing.T) {
	t.Parallel()
	marked := map[string][]string{}
	for name, field := range requestFields() {
		if m := inspect.Mark(field); m != "" && m != "namespace" && m != "identifier" {
			marked[m] = append(marked[m], strings.TrimPrefix(name, "temporal.api."))
		}
	}
	for m := range marked {
		slices.Sort(marked[m])
	}
	require.Equal(t, map[string][]string{
		"type": {"common.v1.WorkflowType.name"},
		"queue": {
			"common.v1.Callback.NexusHandler.task_queue_name", "nexus.v1.EndpointTarget.Worker.task_queue",
			"taskqueue.v1.TaskQueue.name", "taskqueue.v1.TaskQueue.normal_name", "worker.v1.WorkerHeartbeat.task_queue",
			"workflowservice.v1.GetWorkerBuildIdCompatibilityRequest.task_queue",
			"workflowservice.v1.GetWorkerTaskReachabilityRequest.task_queues",
			"workflowservice.v1.GetWorkerVersioningRulesRequest.task_queue",
			"workflowservice.v1.PollActivityTaskQueueRequest.worker_control_task_queue",
			"workflowservice.v1.PollWorkflowTaskQueueRequest.worker_control_task_queue",
			"workflowservice.v1.RespondWorkflowTaskCompletedRequest.worker_control_task_queue",
			"workflowservice.v1.ShutdownWorkerRequest.sticky_task_queue", "workflowservice.v1.ShutdownWorkerRequest.task_queue",
			"workflowservice.v1.UpdateTaskQueueConfigRequest.task_queue",
			"workflowservice.v1.UpdateWorkerBuildIdCompatibilityRequest.task_queue",
			"workflowservice.v1.UpdateWorkerVersioningRulesRequest.task_queue",
		},
		"endpoint": {
			"command.v1.ScheduleNexusOperationCommandAttributes.endpoint", "compute.v1.ComputeProvider.nexus_endpoint",
			"workflowservice.v1.StartNexusOperationExecutionRequest.endpoint",
		},
		"callback": {
			"update.v1.Request.completion_callbacks", "workflowservice.v1.StartActivityExecutionRequest.completion_callbacks",
			"workflowservice.v1.StartNexusOperationExecutionRequest.completion_callbacks",
			"workflowservice.v1.StartWorkflowExecutionRequest.completion_callbacks",
		},
		"workflow": {
			"command.v1.RequestCancelExternalWorkflowExecutionCommandAttributes.workflow_id",
			"command.v1.StartChildWorkflowExecutionCommandAttributes.workflow_id",
			"common.v1.Link.Workflow.workflow_id", "common.v1.Link.WorkflowEvent.workflow_id", "common.v1.WorkflowExecution.workflow_id",
			"filter.v1.WorkflowExecutionFilter.workflow_id", "workflow.v1.NewWorkflowExecutionInfo.workflow_id",
			"workflowservice.v1.PauseActivityExecutionRequest.workflow_id", "workflowservice.v1.PauseWorkflowExecutionRequest.workflow_id",
			"workflowservice.v1.RecordActivityTaskHeartbeatByIdRequest.workflow_id",
			"workflowservice.v1.ResetActivityExecutionRequest.workflow_id",
			"workflowservice.v1.RespondActivityTaskCanceledByIdRequest.workflow_id",
			"workflowservice.v1.RespondActivityTaskCompletedByIdRequest.workflow_id",
			"workflowservice.v1.RespondActivityTaskFailedByIdRequest.workflow_id",
			"workflowservice.v1.SignalWithStartWorkflowExecutionRequest.workflow_id",
			"workflowservice.v1.StartWorkflowExecutionRequest.workflow_id",
			"workflowservice.v1.UnpauseActivityExecutionRequest.workflow_id", "workflowservice.v1.UnpauseWorkflowExecutionRequest.workflow_id",
			"workflowservice.v1.UpdateActivityExecutionOptionsRequest.workflow_id",
		},
		"task token": {
			"workflowservice.v1.RecordActivityTaskHeartbeatRequest.task_token", "workflowservice.v1.RespondActivityTaskCanceledRequest.task_token",
			"workflowservice.v1.RespondActivityTaskCompletedRequest.task_token", "workflowservice.v1.RespondActivityTaskFailedRequest.task_token",
			"workflowservice.v1.RespondNexusTaskCompletedRequest.task_token", "workflowservice.v1.RespondNexusTaskFailedRequest.task_token",
			"workflowservice.v1.RespondQueryTaskCompletedRequest.task_token", "workflowservice.v1.RespondWorkflowTaskCompletedRequest.task_token",
			"workflowservice.v1.RespondWorkflowTaskFailedRequest.task_token",
		},
	}, marked)
}

// The rules of the guard match only the ends of names. This test requires that every
// string or bytes field, even the key of a map, is marked or listed as harmless if its name
// contains "queue", "workflowtype" or "endpoint". For a field that is called name, id, key
// or value, the name of its message type counts.
func TestFieldsThatNameATypeQueueOrEndpointAreMarked(t *testing.T) {
	t.Parallel()
	harmless := []string{
		// These describe an earlier call.
		"temporal.api.failure.v1.NexusOperationFailureInfo.endpoint", "temporal.api.nexus.v1.PropagatedSerializationContext.endpoint",
		// These are fields of requests that only cluster administrators may send.
		"temporal.api.operatorservice.v1.DeleteNexusEndpointRequest.id", "temporal.api.operatorservice.v1.GetNexusEndpointRequest.id",
		"temporal.api.operatorservice.v1.ListNexusEndpointsRequest.name", "temporal.api.operatorservice.v1.UpdateNexusEndpointRequest.id",
		"temporal.api.nexus.v1.EndpointSpec.name",
		// This filters a list.
		"temporal.api.filter.v1.WorkflowTypeFilter.name",
	}
	checked := 0
	for name, field := range requestFields() {
		searched := string(field.Name())
		if slices.Contains([]string{"name", "id", "key", "value"}, searched) {
			searched = string(field.Parent().Name())
		}
		searched = strings.ReplaceAll(strings.ToLower(searched), "_", "")
		text := field.Kind() == protoreflect.StringKind || field.Kind() == protoreflect.BytesKind
		if !text || !strings.Contains(searched, "queue") && !strings.Contains(searched, "workflowtype") && !strings.Contains(searched, "endpoint") {
			continue
		}
		checked++
		require.True(t, inspect.Mark(field) != "" || slices.Contains(harmless, name), "%s is not marked", name)
	}
	require.Greater(t, checked, 20)
}

// The guard does not inspect the content of an Any. Only the requests that complete or
// fail a workflow task can contain one: an update protocol message, which may have
// completion callbacks. These RPCs have no HTTP rule.
func TestRequestsWithAnHTTPRuleContainNoAny(t *testing.T) {
	t.Parallel()
	var found []string
	for name, method := range upstreamtest.Methods() {
		fields := map[string]protoreflect.FieldDescriptor{}
		fieldsWithin(method.Input(), fields, map[protoreflect.FullName]bool{})
		opaque := slices.ContainsFunc(slices.Collect(maps.Values(fields)), func(field protoreflect.FieldDescriptor) bool {
			return field.Message() != nil && field.Message().FullName() == "google.protobuf.Any"
		})
		if opaque {
			found = append(found, name)
			require.False(t, proto.HasExtension(method.Options(), annotations.E_Http), name)
		}
	}
	require.ElementsMatch(t, []string{workflowService + "RespondWorkflowTaskCompleted", workflowService + "RespondWorkflowTaskFailed"}, found)
}
