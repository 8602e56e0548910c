package problem

import (
	"net/http"
	"time"
)

// statusClientClosedRequest is the status 499 of nginx. It appears in the log only,
// because the client has closed the connection.
const statusClientClosedRequest = 499

// retrySoon is the RetryAfter for temporary conditions.
const retrySoon = time.Second

// table contains the row of each code.
//
//nolint:gochecknoglobals // a read-only table
var table = map[Code]Row{
	InvalidRequest:       {Status: http.StatusBadRequest, Title: "Invalid request"},
	InvalidJSON:          {Status: http.StatusBadRequest, Title: "Invalid JSON"},
	UnknownField:         {Status: http.StatusBadRequest, Title: "Unknown field"},
	InvalidPageToken:     {Status: http.StatusBadRequest, Title: "Invalid page token"},
	AmbiguousCredentials: {Status: http.StatusBadRequest, Title: "More than one credential"},
	NamespaceMismatch:    {Status: http.StatusBadRequest, Title: "Namespace mismatch"},
	MetadataNotAllowed:   {Status: http.StatusBadRequest, Title: "Metadata not allowed"},
	InvalidPath:          {Status: http.StatusBadRequest, Title: "Invalid path"},

	Unauthenticated:   {Status: http.StatusUnauthorized, Title: "Credential required"},
	InvalidCredential: {Status: http.StatusUnauthorized, Title: "Invalid credential"},
	InvalidToken:      {Status: http.StatusUnauthorized, Title: "Invalid token"},

	NamespaceForbidden: {Status: http.StatusForbidden, Title: "Namespace not allowed"},
	OperationForbidden: {Status: http.StatusForbidden, Title: "Operation not allowed"},
	PermissionDenied:   {Status: http.StatusForbidden, Title: "Permission denied by the Temporal server"},

	WorkflowNotFound:        {Status: http.StatusNotFound, Title: "Workflow not found"},
	UpdateNotFound:          {Status: http.StatusNotFound, Title: "Update not found"},
	BatchNotFound:           {Status: http.StatusNotFound, Title: "Batch not found"},
	ActivityNotFound:        {Status: http.StatusNotFound, Title: "Activity not found"},
	ScheduleNotFound:        {Status: http.StatusNotFound, Title: "Schedule not found"},
	SearchAttributeNotFound: {Status: http.StatusNotFound, Title: "Search attribute not found"},
	NamespaceNotFound:       {Status: http.StatusNotFound, Title: "Namespace not found"},
	QueryNotFound:           {Status: http.StatusNotFound, Title: "Query not found"},
	RouteNotFound:           {Status: http.StatusNotFound, Title: "Route not found"},
	DeploymentNotFound:      {Status: http.StatusNotFound, Title: "Deployment not found"},

	MethodNotAllowed:     {Status: http.StatusMethodNotAllowed, Title: "Method not allowed"},
	NotAcceptable:        {Status: http.StatusNotAcceptable, Title: "Not acceptable"},
	RequestTimeout:       {Status: http.StatusRequestTimeout, Title: "Request timeout", Retryable: true},
	PayloadTooLarge:      {Status: http.StatusRequestEntityTooLarge, Title: "Payload too large"},
	UnsupportedMediaType: {Status: http.StatusUnsupportedMediaType, Title: "Unsupported media type"},
	MisdirectedRequest:   {Status: http.StatusMisdirectedRequest, Title: "Misdirected request"},

	WorkflowAlreadyStarted: {Status: http.StatusConflict, Title: "Workflow already started"},
	ScheduleAlreadyExists:  {Status: http.StatusConflict, Title: "Schedule already exists"},
	WorkflowCompleted:      {Status: http.StatusConflict, Title: "Workflow already completed"},
	RunChainMismatch:       {Status: http.StatusConflict, Title: "Run chain mismatch"},
	QueryRejected:          {Status: http.StatusConflict, Title: "Query rejected"},
	WorkflowNotReady:       {Status: http.StatusConflict, Title: "Workflow not ready", Retryable: true, RetryAfter: retrySoon},
	ActivityAlreadyStarted: {Status: http.StatusConflict, Title: "Activity already started"},
	ActivityCompleted:      {Status: http.StatusConflict, Title: "Activity already completed"},
	NamespaceAlreadyExists: {Status: http.StatusConflict, Title: "Namespace already exists"},
	Conflict:               {Status: http.StatusConflict, Title: "Conflict"},

	DeploymentChanged: {Status: http.StatusPreconditionFailed, Title: "Deployment changed"},
	ScheduleChanged:   {Status: http.StatusPreconditionFailed, Title: "Schedule changed"},

	QueryFailed:          {Status: http.StatusUnprocessableEntity, Title: "Query failed"},
	IdempotencyKeyReused: {Status: http.StatusUnprocessableEntity, Title: "Idempotency key reused"},

	RateLimited:     {Status: http.StatusTooManyRequests, Title: "Rate limited", Retryable: true, RetryAfter: retrySoon},
	TooManyFailures: {Status: http.StatusTooManyRequests, Title: "Too many failed authentications", Retryable: true, RetryAfter: retrySoon},

	ClientClosedRequest: {Status: statusClientClosedRequest, Title: "Client closed request"},
	Internal:            {Status: http.StatusInternalServerError, Title: "Internal error"},
	NotOfferedByServer:  {Status: http.StatusNotImplemented, Title: "Not offered by the Temporal server"},

	UpstreamError:            {Status: http.StatusBadGateway, Title: "Temporal server error"},
	UpstreamAuthFailed:       {Status: http.StatusBadGateway, Title: "Gateway credential rejected"},
	UpstreamResponseTooLarge: {Status: http.StatusBadGateway, Title: "Temporal server response too large"},

	UpstreamUnavailable: {Status: http.StatusServiceUnavailable, Title: "Temporal server unavailable", Retryable: true, RetryAfter: retrySoon},
	UpstreamOverloaded:  {Status: http.StatusServiceUnavailable, Title: "Temporal server overloaded", Retryable: true, RetryAfter: retrySoon},
	WorkflowBusy:        {Status: http.StatusServiceUnavailable, Title: "Workflow busy", Retryable: true, RetryAfter: retrySoon},
	UpdateNotAdmitted:   {Status: http.StatusServiceUnavailable, Title: "Update not admitted", Retryable: true, RetryAfter: retrySoon},
	Overloaded:          {Status: http.StatusServiceUnavailable, Title: "Overloaded", Retryable: true, RetryAfter: retrySoon},
	Draining:            {Status: http.StatusServiceUnavailable, Title: "Shutting down", Retryable: true, RetryAfter: retrySoon},
	JWKSUnavailable:     {Status: http.StatusServiceUnavailable, Title: "Signing keys unavailable", Retryable: true, RetryAfter: retrySoon},

	DeadlineExceeded: {Status: http.StatusGatewayTimeout, Title: "Deadline exceeded", Retryable: true},
	QueryTimeout:     {Status: http.StatusGatewayTimeout, Title: "Query timed out", Retryable: true},
}
