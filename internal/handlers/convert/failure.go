package convert

import (
	"github.com/go-json-experiment/json"
	"go.temporal.io/api/failure/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/payload"
)

// Failure returns a failure with all its causes. It returns nil for nil.
func Failure(f *failure.Failure) *openapi.Failure {
	if f == nil {
		return nil
	}
	message, stackTrace := failureText(f)
	rendered := &openapi.Failure{
		Message: message, Source: f.GetSource(), StackTrace: stackTrace, Cause: Failure(f.GetCause()),
	}
	switch info := f.GetFailureInfo().(type) {
	case *failure.Failure_ApplicationFailureInfo:
		renderApplicationFailure(rendered, info.ApplicationFailureInfo)
	case *failure.Failure_TimeoutFailureInfo:
		rendered.Kind = "timeout"
		rendered.TimeoutType = EnumName(info.TimeoutFailureInfo.GetTimeoutType())
		rendered.LastHeartbeatDetails, rendered.LastHeartbeatDetailPayloads = renderPayloads(info.TimeoutFailureInfo.GetLastHeartbeatDetails())
	case *failure.Failure_CanceledFailureInfo:
		rendered.Kind = "canceled"
		rendered.Identity = info.CanceledFailureInfo.GetIdentity()
		rendered.Details, rendered.DetailPayloads = renderPayloads(info.CanceledFailureInfo.GetDetails())
	case *failure.Failure_TerminatedFailureInfo:
		rendered.Kind = "terminated"
		rendered.Identity = info.TerminatedFailureInfo.GetIdentity()
	case *failure.Failure_ServerFailureInfo:
		rendered.Kind = "server"
		rendered.NonRetryable = info.ServerFailureInfo.GetNonRetryable()
	case *failure.Failure_ResetWorkflowFailureInfo:
		rendered.Kind = "reset"
		rendered.LastHeartbeatDetails, rendered.LastHeartbeatDetailPayloads = renderPayloads(info.ResetWorkflowFailureInfo.GetLastHeartbeatDetails())
	case *failure.Failure_ActivityFailureInfo:
		renderActivityFailure(rendered, info.ActivityFailureInfo)
	case *failure.Failure_ChildWorkflowExecutionFailureInfo:
		renderChildWorkflowFailure(rendered, info.ChildWorkflowExecutionFailureInfo)
	case *failure.Failure_NexusOperationExecutionFailureInfo:
		renderNexusOperationFailure(rendered, info.NexusOperationExecutionFailureInfo)
	case *failure.Failure_NexusHandlerFailureInfo:
		rendered.Kind = "nexusHandler"
		rendered.HandlerErrorType = info.NexusHandlerFailureInfo.GetType()
		rendered.RetryBehavior = EnumName(info.NexusHandlerFailureInfo.GetRetryBehavior())
	default: // the SDKs treat a failure without failure_info as an application failure
		rendered.Kind = "application"
	}
	return rendered
}

func renderApplicationFailure(rendered *openapi.Failure, info *failure.ApplicationFailureInfo) {
	rendered.Kind = "application"
	rendered.Type, rendered.NonRetryable = info.GetType(), info.GetNonRetryable()
	rendered.Details, rendered.DetailPayloads = renderPayloads(info.GetDetails())
	rendered.NextRetryDelay, rendered.Category = FormatDuration(info.GetNextRetryDelay()), EnumName(info.GetCategory())
}

func renderActivityFailure(rendered *openapi.Failure, info *failure.ActivityFailureInfo) {
	rendered.Kind = "activity"
	rendered.ActivityID, rendered.ActivityType = info.GetActivityId(), info.GetActivityType().GetName()
	rendered.ScheduledEventID, rendered.StartedEventID = info.GetScheduledEventId(), info.GetStartedEventId()
	rendered.Identity, rendered.RetryState = info.GetIdentity(), EnumName(info.GetRetryState())
}

func renderChildWorkflowFailure(rendered *openapi.Failure, info *failure.ChildWorkflowExecutionFailureInfo) {
	rendered.Kind = "childWorkflow"
	rendered.Namespace, rendered.WorkflowType = info.GetNamespace(), info.GetWorkflowType().GetName()
	rendered.WorkflowID, rendered.RunID = info.GetWorkflowExecution().GetWorkflowId(), info.GetWorkflowExecution().GetRunId()
	rendered.InitiatedEventID, rendered.StartedEventID = info.GetInitiatedEventId(), info.GetStartedEventId()
	rendered.RetryState = EnumName(info.GetRetryState())
}

func renderNexusOperationFailure(rendered *openapi.Failure, info *failure.NexusOperationFailureInfo) {
	rendered.Kind = "nexusOperation"
	rendered.Endpoint, rendered.Service, rendered.Operation = info.GetEndpoint(), info.GetService(), info.GetOperation()
	rendered.OperationToken, rendered.ScheduledEventID = info.GetOperationToken(), info.GetScheduledEventId()
}

// failureText returns the message and the stack trace. Some data converters move
// them into encoded attributes ({"message", "stack_trace"}), which take precedence
// if they can be decoded, as in the SDKs.
func failureText(f *failure.Failure) (message, stackTrace string) {
	var attributes struct {
		Message    *string `json:"message"`
		StackTrace *string `json:"stack_trace"` //nolint:tagliatelle // the SDKs' name
	}
	message, stackTrace = f.GetMessage(), f.GetStackTrace()
	value, ok := payload.ToJSON(f.GetEncodedAttributes())
	if !ok || json.Unmarshal(value, &attributes) != nil {
		return message, stackTrace
	}
	if attributes.Message != nil {
		message = *attributes.Message
	}
	if attributes.StackTrace != nil {
		stackTrace = *attributes.StackTrace
	}
	return message, stackTrace
}
