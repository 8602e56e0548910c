package convert

import (
	"maps"
	"slices"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflow/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/payload"
)

// NewWorkflow returns the workflow that a schedule starts.
func NewWorkflow(body *openapi.ScheduleAction) (*workflow.NewWorkflowExecutionInfo, error) {
	var v Validation
	v.Require("/workflowType", body.WorkflowType)
	v.CheckID("/workflowId", body.WorkflowID)
	v.Require("/taskQueue", body.TaskQueue)
	info := &workflow.NewWorkflowExecutionInfo{
		WorkflowId:               body.WorkflowID,
		WorkflowType:             &common.WorkflowType{Name: body.WorkflowType},
		TaskQueue:                &taskqueue.TaskQueue{Name: body.TaskQueue, Kind: enums.TASK_QUEUE_KIND_NORMAL},
		Input:                    v.Payloads("/args", body.Args, "/argPayloads", body.ArgPayloads),
		WorkflowExecutionTimeout: v.Duration("/executionTimeout", body.ExecutionTimeout),
		WorkflowRunTimeout:       v.Duration("/runTimeout", body.RunTimeout),
		WorkflowTaskTimeout:      v.Duration("/taskTimeout", body.TaskTimeout),
		RetryPolicy:              v.retryPolicy(body.RetryPolicy),
		Memo:                     v.Memo(body.Memo, body.MemoPayloads),
		SearchAttributes:         v.SearchAttributes(body.SearchAttributes),
		UserMetadata:             userMetadata(body.StaticSummary, body.StaticDetails),
		VersioningOverride:       v.versioningOverride("/versioningOverride", body.VersioningOverride),
		Priority:                 v.priority("/priority", body.Priority),
	}
	return info, v.Err()
}

// RenderNewWorkflow is the inverse of [NewWorkflow]. A caller can send back what it
// returns.
func RenderNewWorkflow(info *workflow.NewWorkflowExecutionInfo) openapi.ScheduleAction {
	body := openapi.ScheduleAction{
		WorkflowType: info.GetWorkflowType().GetName(), WorkflowID: info.GetWorkflowId(), TaskQueue: info.GetTaskQueue().GetName(),
		ExecutionTimeout: FormatDuration(info.GetWorkflowExecutionTimeout()),
		RunTimeout:       FormatDuration(info.GetWorkflowRunTimeout()),
		TaskTimeout:      FormatDuration(info.GetWorkflowTaskTimeout()),
		RetryPolicy:      renderRetryPolicy(info.GetRetryPolicy()),
		StaticSummary:    StringPayload(info.GetUserMetadata().GetSummary()),
		StaticDetails:    StringPayload(info.GetUserMetadata().GetDetails()),
		Priority:         renderPriority(info.GetPriority()),
	}
	body.Args, body.ArgPayloads = payloadInputs(info.GetInput().GetPayloads())
	body.Memo, body.MemoPayloads = RenderMemo(info.GetMemo())
	if len(info.GetSearchAttributes().GetIndexedFields()) > 0 {
		body.SearchAttributes = SearchAttributeInputs(info.GetSearchAttributes())
	}
	if override := info.GetVersioningOverride(); override != nil {
		rendered := renderVersioningOverride(override)
		body.VersioningOverride = &openapi.VersioningOverride{
			Behavior: openapi.VersioningBehavior(rendered.Behavior), PinnedVersion: rendered.PinnedVersion,
		}
	}
	return body
}

// payloadInputs returns values as plain JSON if every payload is plain JSON, otherwise all
// of them in a form that a caller can send back.
func payloadInputs(list []*common.Payload) (plain []openapi.JSON, raw []openapi.PayloadInput) {
	for _, p := range list {
		if input := payloadInput(p); input.JSON != nil {
			plain = append(plain, input.JSON)
		}
	}
	if len(plain) == len(list) {
		return plain, nil
	}
	for _, p := range list {
		raw = append(raw, payloadInput(p))
	}
	return nil, raw
}

// payloadInput returns a payload as a caller would send it. JSON with additional metadata
// is not plain, because that metadata would be lost.
func payloadInput(p *common.Payload) openapi.PayloadInput {
	if value, ok := payload.ToJSON(p); ok && len(p.GetMetadata()) == 1 {
		return openapi.PayloadInput{JSON: value}
	}
	return openapi.PayloadInput{Metadata: p.GetMetadata(), Data: p.GetData()}
}

// RenderMemo returns a memo as plain JSON if every payload is plain JSON, otherwise all of
// them in a form that a caller can send back.
func RenderMemo(memo *common.Memo) (plain map[string]openapi.JSON, raw map[string]openapi.PayloadInput) {
	fields := memo.GetFields()
	if len(fields) == 0 {
		return nil, nil
	}
	plain, raw = make(map[string]openapi.JSON, len(fields)), make(map[string]openapi.PayloadInput, len(fields))
	for name, p := range fields {
		raw[name] = payloadInput(p)
		plain[name] = raw[name].JSON
	}
	if slices.ContainsFunc(slices.Collect(maps.Values(plain)), func(value openapi.JSON) bool { return value == nil }) {
		return nil, raw
	}
	return plain, nil
}

// SearchAttributeInputs returns search attributes as a caller would send them. An attribute
// without a type is a bare value. The result is never nil.
func SearchAttributeInputs(attributes *common.SearchAttributes) map[string]openapi.SearchAttributeInput {
	inputs := map[string]openapi.SearchAttributeInput{}
	for name, attribute := range RenderSearchAttributes(attributes) {
		inputs[name] = attribute.Value
		if attribute.Type != "" {
			inputs[name], _ = Marshal(attribute) // never fails: the value is JSON
		}
	}
	return inputs
}

// RenderSearchAttributes returns search attributes with their types. It omits an attribute
// that is not JSON, which the server does not store.
func RenderSearchAttributes(attributes *common.SearchAttributes) map[string]openapi.SearchAttribute {
	rendered := make(map[string]openapi.SearchAttribute, len(attributes.GetIndexedFields()))
	for name, p := range attributes.GetIndexedFields() {
		if attribute, ok := payload.ToSearchAttribute(p); ok {
			rendered[name] = openapi.SearchAttribute{Type: attribute.Type, Value: attribute.Value}
		}
	}
	if len(rendered) == 0 {
		return nil
	}
	return rendered
}
