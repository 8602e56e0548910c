package handlers

import (
	"go.temporal.io/api/batch/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// setBatchOperation sets the one operation that is requested.
func setBatchOperation(
	v *convert.Validation, pointer string, s convert.Stamp, asked *openapi.BatchOperation, request *workflowservice.StartBatchOperationRequest,
) {
	number, identity := 0, s.Identity
	if asked.Terminate != nil {
		number++
		request.Operation = &workflowservice.StartBatchOperationRequest_TerminationOperation{
			TerminationOperation: &batch.BatchOperationTermination{Identity: identity}, // details would not be passed on
		}
	}
	if asked.Cancel != nil {
		number++
		request.Operation = &workflowservice.StartBatchOperationRequest_CancellationOperation{
			CancellationOperation: &batch.BatchOperationCancellation{Identity: identity},
		}
	}
	if o := asked.Signal; o != nil {
		number++
		v.Require(pointer+"/signal/signal", o.Signal)
		request.Operation = &workflowservice.StartBatchOperationRequest_SignalOperation{
			SignalOperation: &batch.BatchOperationSignal{
				Identity: identity, Signal: o.Signal, Header: s.Header,
				Input: v.Payloads(pointer+"/signal/args", o.Args, pointer+"/signal/argPayloads", o.ArgPayloads),
			},
		}
	}
	if o := asked.Reset; o != nil {
		number++
		request.Operation = &workflowservice.StartBatchOperationRequest_ResetOperation{
			ResetOperation: &batch.BatchOperationReset{
				Identity: identity, Options: batchReset(v, pointer+"/reset", o),
				PostResetOperations: v.PostReset(pointer+"/reset/updateOptions", o.UpdateOptions),
			},
		}
	}
	if o := asked.UpdateOptions; o != nil {
		number++
		options, mask := v.WorkflowOptions(pointer+"/updateOptions", o)
		request.Operation = &workflowservice.StartBatchOperationRequest_UpdateWorkflowOptionsOperation{
			UpdateWorkflowOptionsOperation: &batch.BatchOperationUpdateWorkflowExecutionOptions{
				Identity: identity, WorkflowExecutionOptions: options, UpdateMask: mask,
			},
		}
	}
	if asked.Delete != nil {
		number++
		request.Operation = &workflowservice.StartBatchOperationRequest_DeletionOperation{
			DeletionOperation: &batch.BatchOperationDeletion{Identity: identity},
		}
	}
	if number != 1 {
		v.Add(pointer, "must have exactly one operation")
	}
}

// batchReset reads to where the workflows are reset; the server looks up the
// events.
func batchReset(v *convert.Validation, pointer string, asked *openapi.BatchReset) *common.ResetOptions {
	options := &common.ResetOptions{
		ResetReapplyType:         enums.RESET_REAPPLY_TYPE_ALL_ELIGIBLE, //nolint:staticcheck // as for one workflow
		ResetReapplyExcludeTypes: v.ReapplyExclude(pointer+"/reapplyExclude", asked.ReapplyExclude),
		CurrentRunOnly:           asked.CurrentRunOnly,
	}
	if (asked.ResetType == "") == (asked.BuildID == "") {
		v.Add(pointer, "must have either resetType or buildId")
	}
	v.ResetType(pointer+"/resetType", asked.ResetType)
	switch {
	case asked.BuildID != "":
		options.Target = &common.ResetOptions_BuildId{BuildId: asked.BuildID}
	case asked.ResetType == openapi.ResetTypeLastWorkflowTask:
		options.Target = &common.ResetOptions_LastWorkflowTask{LastWorkflowTask: &emptypb.Empty{}}
	default:
		options.Target = &common.ResetOptions_FirstWorkflowTask{FirstWorkflowTask: &emptypb.Empty{}}
	}
	return options
}
