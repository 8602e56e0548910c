package problem

// Check returns what an operator checks if c occurs: the last column of the table of
// problem codes in docs/operations.md, which a test compares with it. The text is Markdown.
func (c Code) Check() string { return checks[c] }

// callersRequest is the check of codes that only the caller can cause.
const callersRequest = "the caller's request"

// checks contains all codes in the order of the table in docs/operations.md.
//
//nolint:gochecknoglobals // a read-only table
var checks = map[Code]string{
	InvalidRequest:       "the caller's request; see `errors`. A header with an underscore may come from a proxy",
	InvalidJSON:          callersRequest,
	UnknownField:         "the caller's request, or a caller that is newer than the gateway",
	InvalidPageToken:     "if it occurs at random: the replicas have different `tokens.keyFiles`, or none",
	AmbiguousCredentials: "`Authorization` and `X-API-Key` together: a proxy may add one",
	NamespaceMismatch: "the caller's request. For a task token, the gateway compares the namespace's id, which it " +
		"fetches once with `DescribeNamespace`",
	MetadataNotAllowed: "allow the key in `upstream.callerMetadata`, or in the caller's entry",
	InvalidPath:        "the caller's request, or a proxy that decodes paths",
	Unauthenticated:    "no credential: a proxy may remove `Authorization`",
	InvalidCredential: "unknown, wrong, expired or disabled: see `reason` and `keyId` in the log. Check the key's id, " +
		"`notAfter` and `disabled`, and that the keys file was reloaded",
	InvalidToken: "see `reason` in the log: a JWT that is expired, for another audience, signed by an unknown " +
		"key, or not as its issuer's settings require (algorithms, types, longest lifetime). Check that " +
		"the clocks agree",
	NamespaceForbidden:      "the key has no grant on the namespace",
	OperationForbidden:      "the key has a weaker role than the operation requires",
	PermissionDenied:        "Temporal denies the operation to the gateway's credential",
	WorkflowNotFound:        "the caller's request, or the namespace's retention period is over",
	UpdateNotFound:          "the caller's request (the id or the run), or the update was rejected, or no worker accepted it",
	BatchNotFound:           "the caller's request, or the namespace's retention period is over",
	ActivityNotFound:        "the caller's request, or the activity has completed, timed out or started again",
	DeploymentNotFound:      "the caller's request, or no worker of this version has polled yet",
	ScheduleNotFound:        "the caller's request, or the schedule had no actions left for some days",
	SearchAttributeNotFound: callersRequest,
	NamespaceNotFound:       "the grant names a namespace that does not exist at Temporal. On Temporal Cloud: `name.account`",
	QueryNotFound:           "the worker's code does not have this query",
	RouteNotFound:           "the path, or a proxy that decodes `%2F` to a slash",
	MethodNotAllowed:        callersRequest,
	NotAcceptable:           callersRequest,
	RequestTimeout: "a slow caller, or a proxy that delays bodies; see `listen.timeouts.readBody` and " +
		"[Limits](#limits)",
	PayloadTooLarge:      "`limits.maxBodyBytes`, the limit on values, or Temporal's limit for a value (2 MB by default)",
	UnsupportedMediaType: "the caller's request: it must be JSON, uncompressed",
	MisdirectedRequest: "add the name to `listen.hosts` (`listen.adminHosts` for the admin listener), or configure the " +
		"proxy to preserve `Host`",
	WorkflowAlreadyStarted: "the caller's id policies",
	ScheduleAlreadyExists:  callersRequest,
	WorkflowCompleted:      callersRequest,
	RunChainMismatch:       callersRequest,
	QueryRejected: "the caller's request, or `queryRejectCondition` of the namespace; or the workflow is paused " +
		"(`workflowStatus`)",
	WorkflowNotReady:       "if it persists: no worker on the task queue, or the workflow's tasks fail",
	ActivityAlreadyStarted: "the caller's id policies",
	ActivityCompleted:      callersRequest,
	NamespaceAlreadyExists: callersRequest,
	Conflict: "the response's `detail` has Temporal's text. A run accepts 2,000 updates in total; after that " +
		"it has to continue as new",
	DeploymentChanged:    "several callers change one deployment",
	ScheduleChanged:      "another caller was faster; the caller reads the schedule again",
	QueryFailed:          "the workflow's code",
	IdempotencyKeyReused: "the caller uses one key for two requests, or serialises the request differently for each retry",
	RateLimited: "with `grpcCode`: the namespace's limit at Temporal. Without: the caller uses its whole share, " +
		"see [Limits](#limits)",
	TooManyFailures: "a network sends invalid credentials. Check that `listen.trustedProxies` is correct",
	ClientClosedRequest: "the caller or a proxy has a shorter timeout than the wait, or reads a response too slowly (see " +
		"[Limits](#limits)). Only in the log",
	Internal:                 "a bug: look for `panic` near the `requestId`, and report it",
	NotOfferedByServer:       "the Temporal server is older than the operation, or the feature is disabled on it",
	UpstreamError:            "Temporal failed, or a proxy in front of it responded: see `detail` in the log",
	UpstreamAuthFailed:       "the credential for Temporal: its file, expiry and account. See `/readyz` on the admin listener",
	UpstreamResponseTooLarge: "`upstream.maxResponseBytes`; use smaller pages",
	UpstreamUnavailable: "the network, TLS, or Temporal: see `/readyz` on the admin listener and " +
		"`flowgate_upstream_breaker_open`",
	UpstreamOverloaded: "Temporal's own limits",
	WorkflowBusy: "one workflow gets too many calls, or has more than 10 updates in flight " +
		"(`history.maxInFlightUpdates` of Temporal). Each slow update counts",
	UpdateNotAdmitted: "no worker polls the workflow's task queue, or its workers are slow",
	Overloaded: "`flowgate_in_flight`, `flowgate_in_flight_bytes`; Temporal is slow, or there are too few " +
		"replicas",
	Draining: "expected while a replica stops. If callers see many, the drain delay is too short for the load " +
		"balancer's health checks",
	JWKSUnavailable: "the gateway has never fetched the keys of an issuer, or its last successful fetch is older " +
		"than `maxStale`: see `/readyz` on the admin listener, and the log",
	DeadlineExceeded: "Temporal is slow, or the caller's `Request-Timeout` is short",
	QueryTimeout:     "no worker polls the workflow's task queue, or its code blocks",
}
