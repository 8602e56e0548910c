package convert

import (
	"go.temporal.io/api/workflow/v1"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// WorkflowOptions returns the options that a request changes, and the mask that
// names them.
func (v *Validation) WorkflowOptions(
	pointer string, body *openapi.UpdateOptionsRequest,
) (*workflow.WorkflowExecutionOptions, *fieldmaskpb.FieldMask) {
	options, mask := &workflow.WorkflowExecutionOptions{}, &fieldmaskpb.FieldMask{}
	if body.VersioningOverride.Sent {
		mask.Paths = append(mask.Paths, "versioning_override")
		options.VersioningOverride = v.versioningOverride(pointer+"/versioningOverride", body.VersioningOverride.To)
	}
	if body.Priority.Sent {
		mask.Paths = append(mask.Paths, "priority")
		options.Priority = v.priority(pointer+"/priority", body.Priority.To)
	}
	if len(mask.GetPaths()) == 0 {
		v.Add(pointer, "must name at least one option to change")
	}
	return options, mask
}

// WorkflowOptions returns the options of a workflow that are set.
func WorkflowOptions(o *workflow.WorkflowExecutionOptions) openapi.WorkflowOptions {
	rendered := openapi.WorkflowOptions{Priority: renderPriority(o.GetPriority())}
	if o.GetVersioningOverride() != nil {
		override := renderVersioningOverride(o.GetVersioningOverride())
		rendered.VersioningOverride = &override
	}
	return rendered
}
