//nolint:goconst // field names and JSON names that happen to be equal
package convert

import (
	"errors"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/payload"
	"github.com/flowgate/flowgate/internal/transcode"
)

// Views render the server's responses about workflows as flat JSON, from wire bytes and
// without building messages.
type Views struct {
	Description, Summary *transcode.Plan
	List                 *transcode.Plan // of summaries
	memo                 *transcode.Plan
}

// NewViews compiles the views. This is slow, so call it once per process.
func NewViews() *Views {
	plans := transcode.NewPlans()
	v := &Views{
		memo: plans.View((&common.Memo{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "fields", As: "memo", Value: plainValue},
		}),
	}
	summary := v.summaryFields()
	v.Summary = plans.View((&workflow.WorkflowExecutionInfo{}).ProtoReflect().Descriptor(), summary)
	v.List = plans.View((&workflowservice.ListWorkflowExecutionsResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
		{Field: "executions", As: "workflows", View: summary, Always: true},
	})
	v.Description = plans.View((&workflowservice.DescribeWorkflowExecutionResponse{}).ProtoReflect().Descriptor(), v.descriptionFields())
	return v
}

// summaryFields returns the fields that lists and descriptions have in common.
func (v *Views) summaryFields() []transcode.ViewField {
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
		v.MemoField(),
		SearchAttributesField(),
		{Field: "parent_execution", As: "parent", View: run},
		{Field: "root_execution", As: "root", View: run},
		{Field: "assigned_build_id", As: "assignedBuildId"},
		{Field: "inherited_build_id", As: "inheritedBuildId"},
		{Field: "worker_deployment_name", As: "workerDeploymentName"},
		{Field: "external_payload_count", As: "externalPayloadCount"},
		{Field: "external_payload_size_bytes", As: "externalPayloadSizeBytes"},
		{Field: "priority", As: "priority", View: PriorityView()},
		{Field: "versioning_info", As: "versioning", View: versioningView()},
	}
}

// MemoField returns the field "memo" of a view.
func (v *Views) MemoField() transcode.ViewField {
	return transcode.ViewField{Field: "memo", Members: v.appendMemo}
}

// SearchAttributesField returns the field "search_attributes" of a view.
func SearchAttributesField() transcode.ViewField {
	return transcode.ViewField{Field: "search_attributes", View: []transcode.ViewField{
		{Field: "indexed_fields", As: "searchAttributes", Value: payload.AppendSearchAttribute},
	}}
}

// descriptionFields returns the fields of a description.
func (v *Views) descriptionFields() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "workflow_execution_info", Always: true, View: append(v.summaryFields(), transcode.ViewField{
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
		{Field: "pending_nexus_operations", As: "pendingNexusOperations", Value: RenderAs(renderPendingNexusOperation)},
		{Field: "callbacks", As: "callbacks", Value: RenderAs(renderCallback)},
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
		{Field: "binary_checksum", As: "binaryChecksum"}, // set by old workers
		{Field: "run_id", As: "runId", Always: true},
		{Field: "first_workflow_task_completed_id", As: "firstWorkflowTaskCompletedId", Always: true},
		{Field: "create_time", As: "createTime"},
		{Field: "expire_time", As: "expireTime"},
		{Field: "resettable", As: "resettable", Always: true},
	}
}

// RenderAs returns a renderer for a field of a view. The renderer builds the message and
// encodes the result of render. It is for messages that are rare, and for those whose
// JSON form differs much from the message.
func RenderAs[M any, P interface {
	*M
	proto.Message
}, S any](render func(P) S) func(dst, wire []byte) ([]byte, bool, error) {
	return func(dst, wire []byte) ([]byte, bool, error) {
		message := P(new(M))
		if err := proto.Unmarshal(wire, message); err != nil {
			return dst, false, err
		}
		text, err := Marshal(render(message))
		return append(dst, text...), true, err
	}
}

// appendMemo appends a memo as plain JSON if every payload is plain JSON, otherwise all of
// them with their metadata.
func (v *Views) appendMemo(dst, wire []byte) ([]byte, error) {
	rendered, err := v.memo.AppendJSON(dst, wire, transcode.Options{}, nil)
	if err == nil {
		copy(rendered[len(dst):], rendered[len(dst)+1:len(rendered)-1]) // without the braces of the object
		return rendered[:len(rendered)-2], nil
	}
	if !errors.Is(err, errNotPlain) {
		return dst, err
	}
	memo := &common.Memo{}
	if err := proto.Unmarshal(wire, memo); err != nil {
		return dst, err
	}
	text, err := Marshal(rawMap(memo.GetFields()))
	return append(append(dst, `"memoPayloads":`...), text...), err
}
