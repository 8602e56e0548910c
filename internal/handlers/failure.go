package handlers

import (
	"github.com/go-json-experiment/json"
	"go.temporal.io/api/failure/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/payload"
)

// renderFailure writes a failure with its whole chain of causes.
func renderFailure(f *failure.Failure) *openapi.Failure {
	if f == nil {
		return nil
	}
	message, stackTrace := failureText(f)
	shown := &openapi.Failure{
		Message: message, Source: f.GetSource(), StackTrace: stackTrace, Cause: renderFailure(f.GetCause()),
	}
	switch info := f.GetFailureInfo().(type) {
	case *failure.Failure_ApplicationFailureInfo:
		renderApplicationFailure(shown, info.ApplicationFailureInfo)
	case *failure.Failure_TimeoutFailureInfo:
		shown.Kind = "timeout"
		shown.TimeoutType = enumName(info.TimeoutFailureInfo.GetTimeoutType())
		shown.LastHeartbeatDetails, shown.LastHeartbeatDetailPayloads = renderPayloads(info.TimeoutFailureInfo.GetLastHeartbeatDetails())
	case *failure.Failure_CanceledFailureInfo:
		shown.Kind = "canceled"
		shown.Identity = info.CanceledFailureInfo.GetIdentity()
		shown.Details, shown.DetailPayloads = renderPayloads(info.CanceledFailureInfo.GetDetails())
	case *failure.Failure_TerminatedFailureInfo:
		shown.Kind = "terminated"
		shown.Identity = info.TerminatedFailureInfo.GetIdentity()
	case *failure.Failure_ServerFailureInfo:
		shown.Kind = "server"
		shown.NonRetryable = info.ServerFailureInfo.GetNonRetryable()
	case *failure.Failure_ResetWorkflowFailureInfo:
		shown.Kind = "reset"
		shown.LastHeartbeatDetails, shown.LastHeartbeatDetailPayloads = renderPayloads(info.ResetWorkflowFailureInfo.GetLastHeartbeatDetails())
	case *failure.Failure_ActivityFailureInfo:
		renderActivityFailure(shown, info.ActivityFailureInfo)
	case *failure.Failure_ChildWorkflowExecutionFailureInfo:
		renderChildWorkflowFailure(shown, info.ChildWorkflowExecutionFailureInfo)
	case *failure.Failure_NexusOperationExecutionFailureInfo:
		renderNexusOperationFailure(shown, info.NexusOperationExecutionFailureInfo)
	case *failure.Failure_NexusHandlerFailureInfo:
		shown.Kind = "nexusHandler"
		shown.HandlerErrorType = info.NexusHandlerFailureInfo.GetType()
		shown.RetryBehavior = enumName(info.NexusHandlerFailureInfo.GetRetryBehavior())
	default: // the SDKs read a failure without information as an application's
		shown.Kind = "application"
	}
	return shown
}

func renderApplicationFailure(s *openapi.Failure, info *failure.ApplicationFailureInfo) {
	s.Kind = "application"
	s.Type, s.NonRetryable = info.GetType(), info.GetNonRetryable()
	s.Details, s.DetailPayloads = renderPayloads(info.GetDetails())
	s.NextRetryDelay, s.Category = formatDuration(info.GetNextRetryDelay()), enumName(info.GetCategory())
}

func renderActivityFailure(s *openapi.Failure, info *failure.ActivityFailureInfo) {
	s.Kind = "activity"
	s.ActivityID, s.ActivityType = info.GetActivityId(), info.GetActivityType().GetName()
	s.ScheduledEventID, s.StartedEventID = info.GetScheduledEventId(), info.GetStartedEventId()
	s.Identity, s.RetryState = info.GetIdentity(), enumName(info.GetRetryState())
}

func renderChildWorkflowFailure(s *openapi.Failure, info *failure.ChildWorkflowExecutionFailureInfo) {
	s.Kind = "childWorkflow"
	s.Namespace, s.WorkflowType = info.GetNamespace(), info.GetWorkflowType().GetName()
	s.WorkflowID, s.RunID = info.GetWorkflowExecution().GetWorkflowId(), info.GetWorkflowExecution().GetRunId()
	s.InitiatedEventID, s.StartedEventID = info.GetInitiatedEventId(), info.GetStartedEventId()
	s.RetryState = enumName(info.GetRetryState())
}

func renderNexusOperationFailure(s *openapi.Failure, info *failure.NexusOperationFailureInfo) {
	s.Kind = "nexusOperation"
	s.Endpoint, s.Service, s.Operation = info.GetEndpoint(), info.GetService(), info.GetOperation()
	s.OperationToken, s.ScheduledEventID = info.GetOperationToken(), info.GetScheduledEventId()
}

// failureText gives message and stack trace, which some data converters move
// into encoded attributes ({"message", "stack_trace"}); those win when they can
// be read, as in the SDKs.
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
