package problem_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/flowgate/flowgate/internal/problem"
)

// statusOf returns a status with the given details.
func statusOf(t testing.TB, code codes.Code, message string, details ...proto.Message) *status.Status {
	t.Helper()
	p := status.New(code, message).Proto()
	for _, detail := range details {
		packed, err := anypb.New(detail)
		require.NoError(t, err)
		p.Details = append(p.Details, packed)
	}
	return status.FromProto(p)
}

// exhausted returns the detail of a RESOURCE_EXHAUSTED error.
func exhausted(cause enums.ResourceExhaustedCause, scope enums.ResourceExhaustedScope) proto.Message {
	return &errordetails.ResourceExhaustedFailure{Cause: cause, Scope: scope}
}

// failedOperations returns the detail of the error of an update-with-start, with the
// codes and messages of its two operations.
func failedOperations(start codes.Code, startMessage string, update codes.Code, updateMessage string) proto.Message {
	return &errordetails.MultiOperationExecutionFailure{Statuses: []*errordetails.MultiOperationExecutionFailure_OperationStatus{
		{Code: int32(start), Message: startMessage},   //nolint:gosec // a gRPC code
		{Code: int32(update), Message: updateMessage}, //nolint:gosec // a gRPC code
	}}
}

func TestGRPCCodeSelectsTheProblem(t *testing.T) {
	t.Parallel()
	for code, want := range map[codes.Code]problem.Code{
		codes.Canceled:           problem.UpstreamUnavailable,
		codes.Unknown:            problem.UpstreamError,
		codes.InvalidArgument:    problem.InvalidRequest,
		codes.DeadlineExceeded:   problem.DeadlineExceeded,
		codes.NotFound:           problem.WorkflowNotFound,
		codes.AlreadyExists:      problem.Conflict,
		codes.PermissionDenied:   problem.PermissionDenied,
		codes.ResourceExhausted:  problem.RateLimited,
		codes.FailedPrecondition: problem.Conflict,
		codes.Aborted:            problem.Conflict,
		codes.OutOfRange:         problem.InvalidRequest,
		codes.Unimplemented:      problem.NotOfferedByServer,
		codes.Internal:           problem.UpstreamError,
		codes.Unavailable:        problem.UpstreamUnavailable,
		codes.DataLoss:           problem.UpstreamError,
		codes.Unauthenticated:    problem.UpstreamAuthFailed,
		codes.Code(99):           problem.UpstreamError,
	} {
		e := problem.FromStatus(status.New(code, "text"), "DescribeWorkflowExecution")
		require.Equal(t, want, e.Code, code)
		require.NotEmpty(t, e.Detail, code)
		require.Equal(t, code, e.Upstream.Code())
		require.Contains(t, e.Error(), "text", "%s: the log must contain the message", code)
	}
}

func TestDetailAndMessageSelectTheProblem(t *testing.T) {
	t.Parallel()
	const rps, system = enums.RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT, enums.RESOURCE_EXHAUSTED_SCOPE_SYSTEM
	const namespace = enums.RESOURCE_EXHAUSTED_SCOPE_NAMESPACE
	tests := map[string]struct {
		st     *status.Status
		method string
		want   problem.Code
		detail string // empty if the test does not check it
	}{
		"a workflow id is in use": {
			st:     statusOf(t, codes.AlreadyExists, "Workflow execution is already running.", &errordetails.WorkflowExecutionAlreadyStartedFailure{RunId: "r"}),
			method: "StartWorkflowExecution", want: problem.WorkflowAlreadyStarted,
		},
		"an activity id is in use": {
			st:     statusOf(t, codes.AlreadyExists, "taken", &errordetails.ActivityExecutionAlreadyStartedFailure{}),
			method: "StartActivityExecution", want: problem.ActivityAlreadyStarted, detail: "An activity with this id has already been started.",
		},
		"an activity is not found by its id": {
			st:     status.New(codes.NotFound, "activity not found for ID: a"),
			method: "DescribeActivityExecution", want: problem.ActivityNotFound,
		},
		"an activity is closed": {
			st:     status.New(codes.FailedPrecondition, "activity is in terminal state ACTIVITY_EXECUTION_STATUS_COMPLETED"),
			method: "RequestCancelActivityExecution", want: problem.ActivityCompleted,
		},
		"an activity was terminated before": {
			st:     status.New(codes.FailedPrecondition, "already terminated with request ID r"),
			method: "TerminateActivityExecution", want: problem.ActivityCompleted,
		},
		"the cancellation of an activity was requested before": {
			st:     status.New(codes.FailedPrecondition, "cancellation already requested with request ID r"),
			method: "RequestCancelActivityExecution", want: problem.Conflict, detail: "cancellation already requested with request ID r",
		},
		"the task of a report is not found": {
			st:     status.New(codes.NotFound, "invalid activityID or activity already timed out or invoking workflow is completed"),
			method: "RespondActivityTaskCompleted", want: problem.ActivityNotFound,
		},
		"the activity id of a report is not found": {
			st:     status.New(codes.NotFound, "cannot find pending activity with ActivityID workflow not found for ID, check"),
			method: "RespondActivityTaskFailedById", want: problem.ActivityNotFound,
		},
		"the workflow of a report is not found": {
			st:     status.New(codes.NotFound, "workflow not found for ID: w"),
			method: "RecordActivityTaskHeartbeatById", want: problem.WorkflowNotFound, detail: "workflow not found for ID: w",
		},
		"the activity of a report has completed": {
			st:     status.New(codes.FailedPrecondition, "invalid transition from Completed"),
			method: "RespondActivityTaskCompletedById", want: problem.ActivityCompleted,
		},
		"the run of a report is not found": {
			st:     status.New(codes.NotFound, `workflow execution not found for workflow ID "w" and run ID "r"`),
			method: "RespondActivityTaskCompleted", want: problem.WorkflowNotFound,
		},
		"the workflow of a report is closed": {
			st:     status.New(codes.NotFound, "workflow execution already completed"),
			method: "RespondActivityTaskCompletedById", want: problem.WorkflowCompleted,
		},
		"the namespace of a report is not found": {
			st:     statusOf(t, codes.NotFound, "no namespace", &errordetails.NamespaceNotFoundFailure{Namespace: "n"}),
			method: "RespondActivityTaskCompleted", want: problem.NamespaceNotFound,
		},
		"a cancellation is reported that was not requested": {
			st:     status.New(codes.InvalidArgument, "unable to mark activity as canceled without activity being request canceled first"),
			method: "RespondActivityTaskCanceled", want: problem.Conflict,
		},
		"a cancellation was already requested": {
			st:     statusOf(t, codes.AlreadyExists, "requested", &errordetails.CancellationAlreadyRequestedFailure{}),
			method: "RequestCancelWorkflowExecution", want: problem.Conflict, detail: "requested",
		},
		"a namespace exists": {
			st:     statusOf(t, codes.AlreadyExists, "exists", &errordetails.NamespaceAlreadyExistsFailure{}),
			method: "RegisterNamespace", want: problem.NamespaceAlreadyExists, detail: "A namespace with this name already exists.",
		},
		"an update with start failed": {
			st:     statusOf(t, codes.AlreadyExists, "Update-with-Start could not be executed.", &errordetails.MultiOperationExecutionFailure{}),
			method: "ExecuteMultiOperation", want: problem.Conflict,
		},
		"a workflow does not exist": {
			st:     statusOf(t, codes.NotFound, "workflow not found for ID: w", &errordetails.NotFoundFailure{CurrentCluster: "c"}),
			method: "DescribeWorkflowExecution", want: problem.WorkflowNotFound, detail: "workflow not found for ID: w",
		},
		"a workflow has closed": {
			st:     statusOf(t, codes.NotFound, "workflow execution already completed", &errordetails.NotFoundFailure{}),
			method: "SignalWorkflowExecution", want: problem.WorkflowCompleted,
		},
		"a cancellation with another run chain": {
			st:     statusOf(t, codes.NotFound, "workflow execution not found", &errordetails.NotFoundFailure{}),
			method: "RequestCancelWorkflowExecution", want: problem.RunChainMismatch,
		},
		"a termination with another run chain": {
			st:     status.New(codes.NotFound, "workflow execution not found"),
			method: "TerminateWorkflowExecution", want: problem.RunChainMismatch,
		},
		"an update with another run chain": {
			st:     status.New(codes.NotFound, "workflow execution not found"),
			method: "UpdateWorkflowExecution", want: problem.RunChainMismatch,
		},
		"an unknown update": {
			st:     status.New(codes.NotFound, `update "workflow execution already completed" not found`),
			method: "PollWorkflowExecutionUpdate", want: problem.UpdateNotFound,
		},
		"an update of an unknown workflow": {
			st:     status.New(codes.NotFound, "workflow not found for ID: a"),
			method: "PollWorkflowExecutionUpdate", want: problem.WorkflowNotFound,
		},
		"an update of a workflow that closed first": {
			st:     status.New(codes.NotFound, "workflow update was aborted by closing workflow"),
			method: "UpdateWorkflowExecution", want: problem.WorkflowCompleted,
		},
		"the same message from a method without first_execution_run_id": {
			st:     status.New(codes.NotFound, "workflow execution not found"),
			method: "DescribeWorkflowExecution", want: problem.WorkflowNotFound,
		},
		"a namespace does not exist": {
			st:     statusOf(t, codes.NotFound, "Namespace orders is not found.", &errordetails.NamespaceNotFoundFailure{Namespace: "orders"}),
			method: "StartWorkflowExecution", want: problem.NamespaceNotFound, detail: `The Temporal server has no namespace "orders".`,
		},
		"the second detail is ignored": {
			st:     statusOf(t, codes.NotFound, "no", &errordetails.NotFoundFailure{}, &errordetails.NamespaceNotFoundFailure{}),
			method: "StartWorkflowExecution", want: problem.WorkflowNotFound,
		},
		"an argument is wrong": {
			st:     status.New(codes.InvalidArgument, "WorkflowType is not set on request."),
			method: "StartWorkflowExecution", want: problem.InvalidRequest, detail: "WorkflowType is not set on request.",
		},
		"an argument is too large": {
			st:     status.New(codes.InvalidArgument, "Blob data size exceeds limit."),
			method: "StartWorkflowExecution", want: problem.PayloadTooLarge,
		},
		"a request is too large": {
			st:     status.New(codes.ResourceExhausted, "grpc: received message larger than max (4194305 vs. 4194304)"),
			method: "StartWorkflowExecution", want: problem.PayloadTooLarge,
		},
		"a request is too large after decompression": {
			st:     status.New(codes.ResourceExhausted, "grpc: received message after decompression larger than max 4194304"),
			method: "StartWorkflowExecution", want: problem.PayloadTooLarge,
		},
		"a query failed": {
			st:     statusOf(t, codes.InvalidArgument, "boom", &errordetails.QueryFailedFailure{}),
			method: "QueryWorkflow", want: problem.QueryFailed, detail: "boom",
		},
		"the message of an unknown query without the detail": {
			st:     status.New(codes.InvalidArgument, "unknown queryType x"),
			method: "QueryWorkflow", want: problem.InvalidRequest,
		},
		"a query without a response": {
			st:     status.New(codes.DeadlineExceeded, "deadline"),
			method: "QueryWorkflow", want: problem.QueryTimeout,
		},
		"the workflow's first task has not run": {
			st:     statusOf(t, codes.FailedPrecondition, "not ready", &errordetails.WorkflowNotReadyFailure{}),
			method: "QueryWorkflow", want: problem.WorkflowNotReady, detail: "not ready",
		},
		"the namespace is active elsewhere": {
			st:     statusOf(t, codes.FailedPrecondition, "elsewhere", &errordetails.NamespaceNotActiveFailure{}),
			method: "StartWorkflowExecution", want: problem.Conflict, detail: "elsewhere",
		},
		"the namespace is being deleted": {
			st:     statusOf(t, codes.FailedPrecondition, "deleted", &errordetails.NamespaceInvalidStateFailure{}),
			method: "StartWorkflowExecution", want: problem.Conflict, detail: "deleted",
		},
		"the namespace is unavailable": {
			st:     statusOf(t, codes.Unavailable, marker, &errordetails.NamespaceUnavailableFailure{Namespace: marker}),
			method: "StartWorkflowExecution", want: problem.UpstreamUnavailable,
		},
		"the server's authorizer denies": {
			st:     statusOf(t, codes.PermissionDenied, "Request unauthorized.", &errordetails.PermissionDeniedFailure{Reason: "r"}),
			method: "StartWorkflowExecution", want: problem.PermissionDenied, detail: "Request unauthorized.",
		},
		"a system workflow failed": {
			st:     statusOf(t, codes.Internal, marker, &errordetails.SystemWorkflowFailure{WorkflowError: marker}),
			method: "DeleteNamespace", want: problem.UpstreamError,
		},
		"the namespace's rate limit": {
			st: statusOf(t, codes.ResourceExhausted, "rps", exhausted(rps, namespace)), want: problem.RateLimited,
		},
		"the namespace's limit of concurrent polls": {
			st:   statusOf(t, codes.ResourceExhausted, "polls", exhausted(enums.RESOURCE_EXHAUSTED_CAUSE_CONCURRENT_LIMIT, namespace)),
			want: problem.RateLimited,
		},
		"the namespace's limit of actions per second": {
			st:   statusOf(t, codes.ResourceExhausted, "aps", exhausted(enums.RESOURCE_EXHAUSTED_CAUSE_APS_LIMIT, namespace)),
			want: problem.RateLimited,
		},
		"the system's rate limit": {
			st: statusOf(t, codes.ResourceExhausted, "rps", exhausted(rps, system)), want: problem.UpstreamOverloaded,
		},
		"a busy workflow": {
			st:   statusOf(t, codes.ResourceExhausted, "busy", exhausted(enums.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW, namespace)),
			want: problem.WorkflowBusy,
		},
		"a workflow at the limit of updates in flight": {
			st: statusOf(t, codes.ResourceExhausted, "limit on number of concurrent in-flight updates has been reached (10)",
				exhausted(enums.RESOURCE_EXHAUSTED_CAUSE_CONCURRENT_LIMIT, namespace)),
			method: "UpdateWorkflowExecution", want: problem.WorkflowBusy,
		},
		"a workflow at the limit of the size of updates in flight": {
			st: statusOf(t, codes.ResourceExhausted, "limit on total payload size of in-flight updates has been reached (20971520 bytes)",
				exhausted(enums.RESOURCE_EXHAUSTED_CAUSE_CONCURRENT_LIMIT, namespace)),
			method: "UpdateWorkflowExecution", want: problem.WorkflowBusy,
		},
		"a dropped update": {
			st:     status.New(codes.Unavailable, "workflow update was aborted"),
			method: "UpdateWorkflowExecution", want: problem.WorkflowBusy,
		},
		"a dropped update with start": {
			st: statusOf(t, codes.Unavailable, "Update-with-Start could not be executed.",
				failedOperations(codes.Aborted, "Operation was aborted.", codes.Unavailable, "workflow update was aborted")),
			method: "ExecuteMultiOperation", want: problem.WorkflowBusy,
		},
		"a dropped query": {
			st:     status.New(codes.Unavailable, "buffered query cleared, please retry"),
			method: "QueryWorkflow", want: problem.WorkflowBusy,
		},
		"a workflow at its limit of updates in total": {
			st:     status.New(codes.FailedPrecondition, "The limit on the total number of distinct updates in this workflow has been reached (2000). Make sure"),
			method: "UpdateWorkflowExecution", want: problem.Conflict,
			detail: "The limit on the total number of distinct updates in this workflow has been reached (2000). Make sure",
		},
		"a workflow task failed during an update": {
			st: statusOf(t, codes.FailedPrecondition, "Unable to perform workflow execution update due to unexpected workflow task failure.",
				&errordetails.WorkflowNotReadyFailure{}),
			method: "UpdateWorkflowExecution", want: problem.WorkflowNotReady,
			detail: "Unable to perform workflow execution update due to unexpected workflow task failure.",
		},
		"a workflow closed during an update with start": {
			st:     status.New(codes.Aborted, "workflow update was aborted by closing workflow"),
			method: "UpdateWorkflowExecution", want: problem.WorkflowNotReady,
		},
		"an overloaded system": {
			st:   statusOf(t, codes.ResourceExhausted, "load", exhausted(enums.RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED, namespace)),
			want: problem.UpstreamOverloaded,
		},
		"an overloaded database": {
			st:   statusOf(t, codes.ResourceExhausted, "db", exhausted(enums.RESOURCE_EXHAUSTED_CAUSE_PERSISTENCE_LIMIT, namespace)),
			want: problem.UpstreamOverloaded,
		},
		"an open circuit breaker": {
			st:   statusOf(t, codes.ResourceExhausted, "cb", exhausted(enums.RESOURCE_EXHAUSTED_CAUSE_CIRCUIT_BREAKER_OPEN, namespace)),
			want: problem.UpstreamOverloaded,
		},
		"a detail of an unknown type": {
			st: statusOf(t, codes.ResourceExhausted, "?", durationpb.New(1)), want: problem.RateLimited,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := problem.FromStatus(test.st, test.method)
			require.Equal(t, test.want, e.Code)
			require.NotContains(t, e.Detail, marker)
			if test.detail != "" {
				require.Equal(t, test.detail, e.Detail)
			}
		})
	}
}

func TestIsWorkflowBusyAndIsUpdateLimit(t *testing.T) {
	t.Parallel()
	concurrent := exhausted(enums.RESOURCE_EXHAUSTED_CAUSE_CONCURRENT_LIMIT, enums.RESOURCE_EXHAUSTED_SCOPE_NAMESPACE)
	const full = "limit on number of concurrent in-flight updates has been reached (10)"
	const dropped = "workflow update was aborted"
	for name, test := range map[string]struct {
		st                    *status.Status
		wantBusy, wantAtLimit bool
	}{
		"busy workflow": {
			statusOf(t, codes.ResourceExhausted, "busy", exhausted(enums.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW, 0)), true, false,
		},
		"update at the limit": {statusOf(t, codes.ResourceExhausted, full, concurrent), true, true},
		"dropped update":      {status.New(codes.Unavailable, dropped), true, false},
		"dropped query":       {status.New(codes.Unavailable, "buffered query cleared, please retry"), true, false},
		"update-with-start at the limit": {
			statusOf(t, codes.ResourceExhausted, "Update-with-Start", failedOperations(codes.Aborted, "aborted", codes.ResourceExhausted, full)), true, true,
		},
		"dropped update-with-start": {
			statusOf(t, codes.Unavailable, "Update-with-Start", failedOperations(codes.Aborted, "aborted", codes.Unavailable, dropped)), true, false,
		},
		"update-with-start that failed otherwise": {
			statusOf(t, codes.Unavailable, "Update-with-Start", failedOperations(codes.Unavailable, "gone", codes.Aborted, "aborted")), false, false,
		},
		"limit of pollers":                              {statusOf(t, codes.ResourceExhausted, "namespace concurrent poller limit exceeded", concurrent), false, false},
		"unavailable server":                            {status.New(codes.Unavailable, "connection refused"), false, false},
		"message of a dropped update with another code": {status.New(codes.Internal, dropped), false, false},
		"no status":                                     {nil, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.wantBusy, problem.IsWorkflowBusy(test.st))
			require.Equal(t, test.wantAtLimit, problem.IsUpdateLimitExceeded(test.st))
		})
	}
}

// The workers of each SDK return these messages.
func TestQueryWithoutHandlerIsQueryNotFoundForEverySDK(t *testing.T) {
	t.Parallel()
	for sdk, text := range map[string]string{
		"go":         "unknown queryType nope. KnownQueryTypes=[__stack_trace __open_sessions]",
		"java":       "Unknown query type: nope, knownTypes=[]",
		"typescript": "Workflow did not register a handler for nope. Registered queries: [__stack_trace]",
		"python":     "Query handler for 'nope' expected but not found, known queries: [__stack_trace]",
	} {
		st := statusOf(t, codes.InvalidArgument, text, &errordetails.QueryFailedFailure{})
		require.Equal(t, problem.QueryNotFound, problem.FromStatus(st, "QueryWorkflow").Code, sdk)
	}
}

func TestAlreadyStartedHasTheIDsOfTheRun(t *testing.T) {
	t.Parallel()
	e := problem.FromStatus(statusOf(t, codes.AlreadyExists, "taken", &errordetails.WorkflowExecutionAlreadyStartedFailure{
		StartRequestId: "q", RunId: "r", FirstExecutionRunId: "f",
	}), "StartWorkflowExecution")
	require.Equal(t, problem.Members{RunID: "r", FirstExecutionRunID: "f"}, e.Members)
}

// grpc-go converts the error page of a proxy to a status whose message contains the page.
// The page must be withheld even if messages with that gRPC code are otherwise returned.
func TestProxyErrorPagesAreWithheld(t *testing.T) {
	t.Parallel()
	for code, want := range map[codes.Code]problem.Code{
		codes.PermissionDenied: problem.UpstreamError,
		codes.Unimplemented:    problem.UpstreamError,
		codes.Internal:         problem.UpstreamError,
		codes.Unauthenticated:  problem.UpstreamAuthFailed,
		codes.Unavailable:      problem.UpstreamUnavailable,
	} {
		err := problem.FromStatus(status.New(code, `unexpected HTTP status code received from server: 403 (Forbidden)
data: "<p>blocked by `+marker+`</p>"`), "DescribeWorkflowExecution")
		require.Equal(t, want, err.Code, code)
		require.NotContains(t, body(t, err), marker, code)
		require.NotContains(t, publicStatus(t, err).GetMessage(), marker, code)
		require.Contains(t, err.Error(), marker, "%s: the log must contain the page", code)
	}
}
