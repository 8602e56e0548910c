package schedule

import (
	"maps"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// mergeSchedule applies a patch to the part of a schedule that a caller can replace.
func mergeSchedule(current *workflowservice.DescribeScheduleResponse, patch openapi.MergePatch) (jsontext.Value, error) {
	base := openapi.ReplaceScheduleRequest{Schedule: renderSchedule(current.GetSchedule())}
	dropPairs(patch, &base.Schedule.Action)
	attributes, changesAttributes := patch.Members["searchAttributes"]
	if changesAttributes {
		base.SearchAttributes = convert.SearchAttributeInputs(current.GetSearchAttributes())
	}
	text, err := convert.Marshal(base)
	if err != nil {
		return nil, err
	}
	if attributes.Removes() {
		patch.Members = maps.Clone(patch.Members)
		patch.Members["searchAttributes"] = openapi.MergePatch{Value: jsontext.Value(`{}`)} // no attribute is left
	}
	merged, err := mergePatch(text, patch)
	if err != nil {
		return nil, err
	}
	return convert.Marshal(merged)
}

// dropPairs removes the arguments and the memo of an action if the patch has them in their
// other form, because a request must not have both.
func dropPairs(patch openapi.MergePatch, action *openapi.ScheduleAction) {
	members := patch.Members["schedule"].Members["action"].Members
	for name, drop := range map[string]func(){
		"args":         func() { action.ArgPayloads = nil },
		"argPayloads":  func() { action.Args = nil },
		"memo":         func() { action.MemoPayloads = nil },
		"memoPayloads": func() { action.Memo = nil },
	} {
		if value, sent := members[name]; sent && !value.Removes() {
			drop()
		}
	}
}

// mergePatch applies a JSON Merge Patch (RFC 7396 section 2). Members that the patch does
// not have are kept as written. The result is a tree of maps and of values as written, so
// that the text is built only once, from the whole tree.
func mergePatch(target jsontext.Value, patch openapi.MergePatch) (any, error) {
	if patch.Members == nil {
		return patch.Value, nil
	}
	kept := map[string]jsontext.Value{}
	if target.Kind() == jsontext.KindBeginObject {
		if err := json.Unmarshal(target, &kept, jsontext.AllowDuplicateNames(true)); err != nil {
			return nil, err
		}
	}
	merged := make(map[string]any, len(kept)+len(patch.Members))
	for name, value := range kept {
		merged[name] = value
	}
	for name, change := range patch.Members {
		if change.Removes() {
			delete(merged, name)
			continue
		}
		value, err := mergePatch(kept[name], change)
		if err != nil {
			return nil, err
		}
		merged[name] = value
	}
	return merged, nil
}
