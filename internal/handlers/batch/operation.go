package batch

import (
	"go.temporal.io/api/batch/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// setOperation sets the operation of a job. The caller must request exactly one.
func setOperation(
	v *convert.Validation, pointer string, stamp convert.Stamp, body *openapi.BatchOperation, request *workflowservice.StartBatchOperationRequest,
) {
	count, identity := 0, stamp.Identity
	if body.Terminate != nil {
		count++
		request.Operation = &workflowservice.StartBatchOperationRequest_TerminationOperation{
			TerminationOperation: &batch.BatchOperationTermination{Identity: identity}, // without details, which the server would ignore
		}
	}
	if body.Cancel != nil {
		count++
		request.Operation = &workflowservice.StartBatchOperationRequest_CancellationOperation{
			CancellationOperation: &batch.BatchOperationCancellation{Identity: identity},
		}
	}
	if o := body.Signal; o != nil {
		count++
		v.Require(pointer+"/signal/signal", o.Signal)
		request.Operation = &workflowservice.StartBatchOperationRequest_SignalOperation{
			SignalOperation: &batch.BatchOperationSignal{
				Identity: identity, Signal: o.Signal, Header: stamp.Header,
				Input: v.Payloads(pointer+"/signal/args", o.Args, pointer+"/signal/argPayloads", o.ArgPayloads),
			},
		}
	}
	if o := body.Reset; o != nil {
		count++
		request.Operation = &workflowservice.StartBatchOperationRequest_ResetOperation{
			ResetOperation: &batch.BatchOperationReset{
				Identity: identity, Options: resetOptions(v, pointer+"/reset", o),
				PostResetOperations: v.PostResetOperations(pointer+"/reset/updateOptions", o.UpdateOptions),
			},
		}
	}
	if o := body.UpdateOptions; o != nil {
		count++
		options, mask := v.WorkflowOptions(pointer+"/updateOptions", o)
		request.Operation = &workflowservice.StartBatchOperationRequest_UpdateWorkflowOptionsOperation{
			UpdateWorkflowOptionsOperation: &batch.BatchOperationUpdateWorkflowExecutionOptions{
				Identity: identity, WorkflowExecutionOptions: options, UpdateMask: mask,
			},
		}
	}
	if body.Delete != nil {
		count++
		request.Operation = &workflowservice.StartBatchOperationRequest_DeletionOperation{
			DeletionOperation: &batch.BatchOperationDeletion{Identity: identity},
		}
	}
	if count != 1 {
		v.Add(pointer, "must have exactly one operation")
	}
}

// resetOptions returns the options of a reset. The server finds the event to reset to in
// each workflow.
func resetOptions(v *convert.Validation, pointer string, body *openapi.BatchReset) *common.ResetOptions {
	options := &common.ResetOptions{
		ResetReapplyType:         enums.RESET_REAPPLY_TYPE_ALL_ELIGIBLE, //nolint:staticcheck // as for one workflow
		ResetReapplyExcludeTypes: v.ReapplyExclude(pointer+"/reapplyExclude", body.ReapplyExclude),
		CurrentRunOnly:           body.CurrentRunOnly,
	}
	if (body.ResetType == "") == (body.BuildID == "") {
		v.Add(pointer, "must have either resetType or buildId")
	}
	v.ResetType(pointer+"/resetType", body.ResetType)
	switch {
	case body.BuildID != "":
		options.Target = &common.ResetOptions_BuildId{BuildId: body.BuildID}
	case body.ResetType == openapi.ResetTypeLastWorkflowTask:
		options.Target = &common.ResetOptions_LastWorkflowTask{LastWorkflowTask: &emptypb.Empty{}}
	default:
		options.Target = &common.ResetOptions_FirstWorkflowTask{FirstWorkflowTask: &emptypb.Empty{}}
	}
	return options
}
