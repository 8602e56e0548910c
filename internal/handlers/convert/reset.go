package convert

import (
	"strconv"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// ResetType validates a type of reset, which may be empty.
func (v *Validation) ResetType(pointer string, name openapi.ResetType) {
	if name != "" && !name.Valid() {
		v.Add(pointer, "must be FIRST_WORKFLOW_TASK or LAST_WORKFLOW_TASK")
	}
}

// ReapplyExclude parses the types of events that a reset does not reapply.
func (v *Validation) ReapplyExclude(pointer string, names openapi.ReapplyExclude) []enums.ResetReapplyExcludeType {
	types := make([]enums.ResetReapplyExcludeType, len(names))
	for i, name := range names {
		at := pointer + "/" + strconv.Itoa(i)
		v.Require(at, string(name))
		types[i] = Enum[enums.ResetReapplyExcludeType](v, at, string(name))
	}
	return types
}

// PostResetOperations returns the operation that changes the options of the new run, or none if body
// is nil. Servers reject the only other operation in Temporal's API, a signal.
func (v *Validation) PostResetOperations(pointer string, body *openapi.UpdateOptionsRequest) []*workflow.PostResetOperation {
	if body == nil {
		return nil
	}
	options, mask := v.WorkflowOptions(pointer, body)
	return []*workflow.PostResetOperation{{Variant: &workflow.PostResetOperation_UpdateWorkflowOptions_{
		UpdateWorkflowOptions: &workflow.PostResetOperation_UpdateWorkflowOptions{
			WorkflowExecutionOptions: options, UpdateMask: mask,
		},
	}}}
}
