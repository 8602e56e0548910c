//nolint:goconst // names of two formats, which happen to be alike
package handlers

import (
	"errors"

	"github.com/go-json-experiment/json"
	"go.temporal.io/api/batch/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/payload"
	"github.com/flowgate/flowgate/internal/transcode"
)

// views are the flat shapes of what the server answers, made from its wire form
// without building messages. They are compiled once.
type views struct {
	description, summary *transcode.Message
	list                 *transcode.Message // of summaries
	memo                 *transcode.Message
	history              *transcode.Message // of events
	event                *transcode.Message // as protobuf has it
	batches, batch       *transcode.Message
}

func newViews() *views {
	plans := transcode.NewPlans()
	v := &views{
		memo: plans.View((&common.Memo{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "fields", As: "memo", Value: plainValue},
		}),
		event: plans.Message((&history.HistoryEvent{}).ProtoReflect().Descriptor()),
	}
	v.history = plans.View((&workflowservice.GetWorkflowExecutionHistoryResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
		{Field: "history", Always: true, View: []transcode.ViewField{{Field: "events", As: "events", Always: true}}},
	})
	v.batch = plans.View((&batch.BatchOperationInfo{}).ProtoReflect().Descriptor(), batchView())
	v.batches = plans.View((&workflowservice.ListBatchOperationsResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
		{Field: "operation_info", As: "batches", View: batchView(), Always: true},
	})
	summary := v.info()
	v.summary = plans.View((&workflow.WorkflowExecutionInfo{}).ProtoReflect().Descriptor(), summary)
	v.list = plans.View((&workflowservice.ListWorkflowExecutionsResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
		{Field: "executions", As: "workflows", View: summary, Always: true},
	})
	v.description = plans.View((&workflowservice.DescribeWorkflowExecutionResponse{}).ProtoReflect().Descriptor(), v.describe())
	return v
}

// info are the fields that lists and descriptions have in common.
func (v *views) info() []transcode.ViewField {
	run := []transcode.ViewField{{Field: "workflow_id", As: "workflowId"}, {Field: "run_id", As: "runId"}}
	return []transcode.ViewField{
		{Field: "execution", Always: true, View: []transcode.ViewField{
			{Field: "workflow_id", As: "workflowId", Always: true},
			{Field: "run_id", As: "runId", Always: true},
		}},
		{Field: "first_run_id", As: "firstExecutionRunId"},
		{Field: "type", Always: true, View: []transcode.ViewField{{Field: "name", As: "workflowType", Always: true}}},
		{Field: "task_queue", As: "taskQueue", Always: true},
		{Field: "status", As: "status", Always: true},
		{Field: "start_time", As: "startTime", Always: true},
		{Field: "execution_time", As: "executionTime"},
		{Field: "close_time", As: "closeTime"},
		{Field: "execution_duration", As: "executionDuration"},
		{Field: "history_length", As: "historyLength", Always: true},
		{Field: "history_size_bytes", As: "historySizeBytes"},
		{Field: "state_transition_count", As: "stateTransitionCount"},
		{Field: "memo", Members: v.appendMemo},
		{Field: "search_attributes", View: []transcode.ViewField{
			{Field: "indexed_fields", As: "searchAttributes", Value: payload.AppendSearchAttribute},
		}},
		{Field: "parent_execution", As: "parent", View: run},
		{Field: "root_execution", As: "root", View: run},
		{Field: "assigned_build_id", As: "assignedBuildId"},
		{Field: "inherited_build_id", As: "inheritedBuildId"},
		{Field: "worker_deployment_name", As: "workerDeploymentName"},
		{Field: "external_payload_count", As: "externalPayloadCount"},
		{Field: "external_payload_size_bytes", As: "externalPayloadSizeBytes"},
		{Field: "priority", As: "priority", View: priorityView()},
		{Field: "versioning_info", As: "versioning", View: versioningView()},
	}
}

func priorityView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "priority_key", As: "priorityKey"},
		{Field: "fairness_key", As: "fairnessKey"},
		{Field: "fairness_weight", As: "fairnessWeight"},
	}
}

func versionView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "deployment_name", As: "deploymentName", Always: true}, {Field: "build_id", As: "buildId", Always: true},
	}
}

func versioningView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "behavior", As: "behavior"},
		{Field: "deployment_version", As: "deploymentVersion", View: versionView()},
		{Field: "revision_number", As: "revisionNumber"},
		{Field: "version_transition", As: "transition", View: []transcode.ViewField{
			{Field: "deployment_version", As: "deploymentVersion", View: versionView()},
		}},
		{Field: "versioning_override", As: "override", Value: rendered(versioningOverride)},
	}
}

// describe returns the fields of a description.
func (v *views) describe() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "workflow_execution_info", Always: true, View: append(v.info(), transcode.ViewField{
			Field: "auto_reset_points", View: []transcode.ViewField{{Field: "points", As: "autoResetPoints", View: resetPointView()}},
		})},
		{Field: "execution_config", View: []transcode.ViewField{
			{Field: "workflow_execution_timeout", As: "executionTimeout"},
			{Field: "workflow_run_timeout", As: "runTimeout"},
			{Field: "default_workflow_task_timeout", As: "taskTimeout"},
			{Field: "user_metadata", Members: appendUserMetadata},
		}},
		{Field: "workflow_extended_info", View: extendedView()},
		{Field: "pending_activities", As: "pendingActivities", View: pendingActivityView()},
		{Field: "pending_children", As: "pendingChildren", View: []transcode.ViewField{
			{Field: "workflow_id", As: "workflowId", Always: true},
			{Field: "run_id", As: "runId"},
			{Field: "workflow_type_name", As: "workflowType", Always: true},
			{Field: "initiated_id", As: "initiatedEventId"},
			{Field: "parent_close_policy", As: "parentClosePolicy"},
		}},
		{Field: "pending_workflow_task", As: "pendingWorkflowTask", View: []transcode.ViewField{
			{Field: "state", As: "state", Always: true},
			{Field: "attempt", As: "attempt", Always: true},
			{Field: "scheduled_time", As: "scheduledTime"},
			{Field: "original_scheduled_time", As: "originalScheduledTime"},
			{Field: "started_time", As: "startedTime"},
		}},
		{Field: "pending_nexus_operations", As: "pendingNexusOperations", Value: rendered(pendingNexusOperation)},
		{Field: "callbacks", As: "callbacks", Value: rendered(callback)},
	}
}

func extendedView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "execution_expiration_time", As: "executionExpirationTime"},
		{Field: "run_expiration_time", As: "runExpirationTime"},
		{Field: "cancel_requested", As: "cancelRequested"},
		{Field: "last_reset_time", As: "lastResetTime"},
		{Field: "original_start_time", As: "originalStartTime"},
		{Field: "reset_run_id", As: "resetRunId"},
		{Field: "pause_info", As: "pause", View: []transcode.ViewField{
			{Field: "identity", As: "identity"}, {Field: "reason", As: "reason"}, {Field: "paused_time", As: "time"},
		}},
		{Field: "request_id_infos", As: "requestIds", View: []transcode.ViewField{
			{Field: "event_type", As: "eventType", Always: true},
			{Field: "event_id", As: "eventId"},
			{Field: "buffered", As: "buffered"},
		}},
	}
}

func resetPointView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "build_id", As: "buildId"},
		{Field: "binary_checksum", As: "binaryChecksum"}, // what old workers left
		{Field: "run_id", As: "runId", Always: true},
		{Field: "first_workflow_task_completed_id", As: "firstWorkflowTaskCompletedId", Always: true},
		{Field: "create_time", As: "createTime"},
		{Field: "expire_time", As: "expireTime"},
		{Field: "resettable", As: "resettable", Always: true},
	}
}

// rendered shows a message that is rare, or whose shape is not the message's, by
// building it.
func rendered[M any, P interface {
	*M
	proto.Message
}, S any](show func(P) S) func(dst, wire []byte) ([]byte, bool, error) {
	return func(dst, wire []byte) ([]byte, bool, error) {
		message := P(new(M))
		if err := proto.Unmarshal(wire, message); err != nil {
			return dst, false, err
		}
		text, err := json.Marshal(show(message), jsonOptions())
		return append(dst, text...), true, err
	}
}

var errNotPlain = errors.New("a payload that is not plain JSON")

// plainValue shows a payload that is plain JSON or null.
func plainValue(dst, wire []byte) ([]byte, bool, error) {
	if p, ok := payload.Read(wire); ok {
		if value, ok := p.Plain(); ok {
			return append(dst, value...), true, nil
		}
	}
	return dst, false, errNotPlain
}

// appendMemo shows a memo as values when all of them are plain, else whole.
func (v *views) appendMemo(dst, wire []byte) ([]byte, error) {
	shown, err := v.memo.AppendJSON(dst, wire, transcode.Form{}, nil)
	if err == nil {
		copy(shown[len(dst):], shown[len(dst)+1:len(shown)-1]) // without its braces
		return shown[:len(shown)-2], nil
	}
	if !errors.Is(err, errNotPlain) {
		return dst, err
	}
	memo := &common.Memo{}
	if err := proto.Unmarshal(wire, memo); err != nil {
		return dst, err
	}
	text, err := json.Marshal(rawMemo(memo), jsonOptions())
	return append(append(dst, `"memoPayloads":`...), text...), err
}

// appendUserMetadata shows the summary and the details that UIs show.
func appendUserMetadata(dst, wire []byte) ([]byte, error) {
	metadata := &sdk.UserMetadata{}
	if err := proto.Unmarshal(wire, metadata); err != nil {
		return dst, err
	}
	shown, err := json.Marshal(struct {
		Summary string `json:"staticSummary,omitempty"`
		Details string `json:"staticDetails,omitempty"`
	}{stringPayload(metadata.GetSummary()), stringPayload(metadata.GetDetails())}, jsonOptions())
	return append(dst, shown[1:len(shown)-1]...), err
}
