package problem

import "time"

// Code identifies a kind of problem. Codes are stable, because programs switch
// on them.
type Code string

// The codes of the client API, in the order of their HTTP status.
const (
	InvalidRequest       Code = "invalid-request"
	InvalidJSON          Code = "invalid-json"
	UnknownField         Code = "unknown-field"
	InvalidPageToken     Code = "invalid-page-token"
	AmbiguousCredentials Code = "ambiguous-credentials"
	NamespaceMismatch    Code = "namespace-mismatch"
	MetadataNotAllowed   Code = "metadata-not-allowed"
	InvalidPath          Code = "invalid-path"

	Unauthenticated   Code = "unauthenticated"
	InvalidCredential Code = "invalid-credential"
	InvalidToken      Code = "invalid-token"

	NamespaceForbidden Code = "namespace-forbidden"
	OperationForbidden Code = "operation-forbidden"
	PermissionDenied   Code = "permission-denied"

	WorkflowNotFound        Code = "workflow-not-found"
	UpdateNotFound          Code = "update-not-found"
	BatchNotFound           Code = "batch-not-found"
	ActivityNotFound        Code = "activity-not-found"
	DeploymentNotFound      Code = "deployment-not-found"
	ScheduleNotFound        Code = "schedule-not-found"
	SearchAttributeNotFound Code = "search-attribute-not-found"
	NamespaceNotFound       Code = "namespace-not-found"
	QueryNotFound           Code = "query-not-found"
	RouteNotFound           Code = "route-not-found"

	MethodNotAllowed     Code = "method-not-allowed"
	NotAcceptable        Code = "not-acceptable"
	RequestTimeout       Code = "request-timeout"
	PayloadTooLarge      Code = "payload-too-large"
	UnsupportedMediaType Code = "unsupported-media-type"
	MisdirectedRequest   Code = "misdirected-request"

	WorkflowAlreadyStarted Code = "workflow-already-started"
	ScheduleAlreadyExists  Code = "schedule-already-exists"
	WorkflowCompleted      Code = "workflow-completed"
	RunChainMismatch       Code = "run-chain-mismatch"
	QueryRejected          Code = "query-rejected"
	WorkflowNotReady       Code = "workflow-not-ready"
	ActivityAlreadyStarted Code = "activity-already-started"
	ActivityCompleted      Code = "activity-completed"
	NamespaceAlreadyExists Code = "namespace-already-exists"
	Conflict               Code = "conflict"

	DeploymentChanged Code = "deployment-changed"
	ScheduleChanged   Code = "schedule-changed"

	QueryFailed          Code = "query-failed"
	IdempotencyKeyReused Code = "idempotency-key-reused"

	RateLimited     Code = "rate-limited"
	TooManyFailures Code = "too-many-failures"

	ClientClosedRequest Code = "client-closed-request"
	Internal            Code = "internal"
	NotOfferedByServer  Code = "not-offered-by-server"

	UpstreamError            Code = "upstream-error"
	UpstreamAuthFailed       Code = "upstream-auth-failed"
	UpstreamResponseTooLarge Code = "upstream-response-too-large"

	UpstreamUnavailable Code = "upstream-unavailable"
	UpstreamOverloaded  Code = "upstream-overloaded"
	WorkflowBusy        Code = "workflow-busy"
	UpdateNotAdmitted   Code = "update-not-admitted"
	Overloaded          Code = "overloaded"
	Draining            Code = "draining"
	JWKSUnavailable     Code = "jwks-unavailable"

	DeadlineExceeded Code = "deadline-exceeded"
	QueryTimeout     Code = "query-timeout"
)

// Row is the entry of a code in the table of problems.
type Row struct {
	// Status is the HTTP status on the client API.
	Status int
	// Title is the title of the problem. It is the same for every occurrence.
	Title string
	// Retryable reports whether the same request may succeed later.
	Retryable bool
	// RetryAfter is the default value of the Retry-After header; zero means no
	// header.
	RetryAfter time.Duration
}

// Row returns the row of c. A code that is not in the table is a defect of the
// gateway and has the row of [Internal].
func (c Code) Row() Row {
	if row, ok := table[c]; ok {
		return row
	}
	return table[Internal]
}
