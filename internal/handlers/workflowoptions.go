package handlers

import (
	"context"
	"net/http"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// UpdateWorkflowOptions changes the options of a running workflow.
func (a *API) UpdateWorkflowOptions(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	op := operation{
		name: "updateWorkflowOptions", namespace: namespace, body: bodyRequired,
		method: workflowservice.WorkflowService_UpdateWorkflowExecutionOptions_FullMethodName,
		handle: &handle{segment: workflowID},
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, _ *openapi.UpdateWorkflowOptionsParams, body *openapi.UpdateOptionsRequest) (*response, error) {
		execution := c.execution
		_, err := c.stampWrite()
		if err != nil {
			return nil, err
		}
		var f validation
		options, mask := f.options("", body)
		if err := f.err(); err != nil {
			return nil, err
		}
		response := &workflowservice.UpdateWorkflowExecutionOptionsResponse{}
		err = a.options.Upstream.Do(ctx, op.method, &workflowservice.UpdateWorkflowExecutionOptionsRequest{
			Namespace: namespace, WorkflowExecution: execution, WorkflowExecutionOptions: options, UpdateMask: mask,
			Identity: c.identity(),
		}, response)
		if err != nil {
			return nil, withWorkflowID(err, execution.GetWorkflowId())
		}
		return okResponse(renderOptions(response.GetWorkflowExecutionOptions())), nil
	})
}

// options reads the changes, and makes the mask of the members that are there.
func (f *validation) options(pointer string, body *openapi.UpdateOptionsRequest) (*workflow.WorkflowExecutionOptions, *fieldmaskpb.FieldMask) {
	options, mask := &workflow.WorkflowExecutionOptions{}, &fieldmaskpb.FieldMask{}
	if body.VersioningOverride.Sent {
		mask.Paths = append(mask.Paths, "versioning_override")
		options.VersioningOverride = f.versioningOverride(pointer+"/versioningOverride", body.VersioningOverride.To)
	}
	if body.Priority.Sent {
		mask.Paths = append(mask.Paths, "priority")
		options.Priority = f.priority(pointer+"/priority", body.Priority.To)
	}
	if len(mask.GetPaths()) == 0 {
		f.add(pointer, "names nothing to change")
	}
	return options, mask
}

func renderOptions(o *workflow.WorkflowExecutionOptions) openapi.WorkflowOptions {
	shown := openapi.WorkflowOptions{Priority: renderPriority(o.GetPriority())}
	if o.GetVersioningOverride() != nil {
		override := versioningOverride(o.GetVersioningOverride())
		shown.VersioningOverride = &override
	}
	return shown
}

// renderPriority leaves out what is not set, and a priority of nothing.
func renderPriority(p *common.Priority) *openapi.Priority {
	shown := openapi.Priority{FairnessKey: p.GetFairnessKey()}
	if key := p.GetPriorityKey(); key != 0 {
		shown.PriorityKey = &key
	}
	if weight := p.GetFairnessWeight(); weight != 0 {
		shown.FairnessWeight = &weight
	}
	if shown == (openapi.Priority{}) {
		return nil
	}
	return &shown
}
