package problem

// Explanation explains a code to the developer of a client. Both texts may contain code
// in backticks.
type Explanation struct {
	// Cause describes what happened.
	Cause string
	// Remedy describes what the developer can do.
	Remedy string
}

// Explanation returns the explanation of c. A code that is not in the table is
// a defect of the gateway and has the explanation of [Internal].
func (c Code) Explanation() Explanation {
	var internal Explanation
	for _, entry := range explanations {
		switch entry.code {
		case c:
			return entry.Explanation
		case Internal:
			internal = entry.Explanation
		default:
		}
	}
	return internal
}

// Codes returns all codes, in the order of their declaration.
func Codes() []Code {
	codes := make([]Code, len(explanations))
	for i, entry := range explanations {
		codes[i] = entry.code
	}
	return codes
}

type explanationEntry struct {
	code Code
	Explanation
}

// explanations contains all codes in the order of their declaration.
//
//nolint:gochecknoglobals // a read-only table
var explanations = []explanationEntry{
	{InvalidRequest, Explanation{
		Cause:  "A field, parameter or header is missing, unknown or has an invalid value. `errors` lists the faults.",
		Remedy: "Correct the values that `errors` lists, or follow `detail` if there is no `errors`, and send the request again.",
	}},
	{InvalidJSON, Explanation{
		Cause: "The body is not a single valid JSON value. It has a syntax error, a duplicate key, invalid Unicode, or data " +
			"after the value.",
		Remedy: "Use a JSON library to write the body. `detail` has the byte offset of the error.",
	}},
	{UnknownField, Explanation{
		Cause:  "The body has a field that the operation does not support. The most common cause is a spelling error.",
		Remedy: "Correct or remove the field that `errors` points to. Field names are case-sensitive and use camelCase.",
	}},
	{InvalidPageToken, Explanation{
		Cause: "The `pageToken` is not valid for this request. It was modified, or it was issued to another caller, for another " +
			"namespace or query, or by a replica with other signing keys.",
		Remedy: "Send the `nextPageToken` of the previous page unchanged, with the same credential and parameters, or start again " +
			"without a token. If the error occurs at random, the replicas do not share the key files of `tokens.keyFiles`.",
	}},
	{AmbiguousCredentials, Explanation{
		Cause:  "The request has more than one credential: both `Authorization` and `X-API-Key`, or one of them twice.",
		Remedy: "Send exactly one credential. If you send only one, check whether a proxy adds another.",
	}},
	{NamespaceMismatch, Explanation{
		Cause:  "The request contains a namespace other than the one in its path.",
		Remedy: "Use one namespace in the whole request. For another namespace, send a separate request.",
	}},
	{MetadataNotAllowed, Explanation{
		Cause: "A `Grpc-Metadata-` header has a key that this caller is not allowed to set.",
		Remedy: "Remove the header, or ask the gateway's operator to allow the key. `GET /v1/namespaces/{namespace}/client` lists " +
			"the allowed keys.",
	}},
	{InvalidPath, Explanation{
		Cause: "The path has a `.` or `..` segment (plain or percent-encoded), a control character, or invalid UTF-8.",
		Remedy: "Percent-encode each segment exactly once. For an id that consists of dots, use the segment `-` and send the id " +
			"in the query parameter `workflowId`.",
	}},
	{Unauthenticated, Explanation{
		Cause:  "The request has no credential, or its `Authorization` header has a scheme other than `Bearer`.",
		Remedy: "Send your API key as `Authorization: Bearer fg_…` or as `X-API-Key: fg_…`.",
	}},
	{InvalidCredential, Explanation{
		Cause: "The credential is unknown, wrong, expired or disabled. For security, the response does not say which.",
		Remedy: "Check that you send the complete key, without white space. If it is correct, ask the gateway's operator for a " +
			"new key.",
	}},
	{InvalidToken, Explanation{
		Cause: "The token (JWT) is expired, has another audience, is signed by a key that its issuer does not publish, or is of " +
			"a kind that the gateway does not accept. For security, the response does not say which.",
		Remedy: "Get a new access token for the issuer and audience that the gateway's operator has configured. ID tokens are not " +
			"accepted.",
	}},
	{NamespaceForbidden, Explanation{
		Cause:  "Your credential has no grant for this namespace. The response is the same whether or not the namespace exists.",
		Remedy: "Check the namespace in the path, or ask the gateway's operator for a grant.",
	}},
	{OperationForbidden, Explanation{
		Cause:  "Your credential has a grant for the namespace, but the operation requires a higher role.",
		Remedy: "Use a credential with the role in `detail`, or ask the gateway's operator for that role.",
	}},
	{PermissionDenied, Explanation{
		Cause: "The gateway accepted the request, but the Temporal server denied it to the gateway's own credential.",
		Remedy: "Contact the gateway's operator. The credential that the gateway uses for this namespace lacks a permission on " +
			"the Temporal server.",
	}},
	{WorkflowNotFound, Explanation{
		Cause:  "No workflow has this id or run id, or the server has deleted it after its retention period.",
		Remedy: "Check the namespace, the workflow id and `runId`. Omit `runId` to use the latest run.",
	}},
	{UpdateNotFound, Explanation{
		Cause: "The run has no update with this id. The server does not keep updates that were rejected or that no worker " +
			"accepted.",
		Remedy: "Check the update id and set `runId`, because an update belongs to one run. If no worker accepted the update, " +
			"send it again with the same `updateId`.",
	}},
	{BatchNotFound, Explanation{
		Cause:  "No batch job has this id, or the server has deleted it after its retention period.",
		Remedy: "Check the namespace and the id. `GET /v1/namespaces/{namespace}/batches` lists the batch jobs.",
	}},
	{ActivityNotFound, Explanation{
		Cause: "No activity with this id, run or task token is open. It does not exist, has completed or timed out, or another " +
			"attempt has started since; or the retention period of the namespace has deleted it.",
		Remedy: "A worker must stop the attempt: its report no longer counts. Otherwise check the ids.",
	}},
	{DeploymentNotFound, Explanation{
		Cause: "No worker deployment has this name, or the deployment does not have this version.",
		Remedy: "Check the namespace, the name and the build id. A deployment and its versions exist as soon as a worker has polled " +
			"with them. `GET /v1/namespaces/{namespace}/deployments` lists the deployments.",
	}},
	{ScheduleNotFound, Explanation{
		Cause:  "No schedule has this id, or it was deleted. The server deletes a schedule some days after its last action.",
		Remedy: "Check the namespace and the id. `GET /v1/namespaces/{namespace}/schedules` lists the schedules.",
	}},
	{SearchAttributeNotFound, Explanation{
		Cause:  "The namespace has no search attribute with this name.",
		Remedy: "Check the name. `GET /v1/namespaces/{namespace}/search-attributes` lists the search attributes.",
	}},
	{NamespaceNotFound, Explanation{
		Cause: "You have access to this namespace, but it does not exist on the Temporal server.",
		Remedy: "Check the name. On Temporal Cloud it ends with the account id. A new namespace becomes available after some " +
			"seconds.",
	}},
	{QueryNotFound, Explanation{
		Cause: "The workflow has no handler for this query.",
		Remedy: "Check the name of the query: `GET /v1/namespaces/{namespace}/workflows/{workflowId}/metadata` lists the " +
			"available ones. A worker with older code may not have the handler yet.",
	}},
	{RouteNotFound, Explanation{
		Cause: "No route of the gateway matches this path.",
		Remedy: "If `detail` names a route, use its path. Otherwise compare the path with the API reference at `/docs`. " +
			"Encode a slash in a workflow id as `%2F`.",
	}},
	{MethodNotAllowed, Explanation{
		Cause:  "The path exists, but does not support this method.",
		Remedy: "Use one of the methods in the `Allow` header of the response.",
	}},
	{NotAcceptable, Explanation{
		Cause:  "The `Accept` header excludes all media types that the operation can return.",
		Remedy: "Accept one of the media types in `detail`, or omit the header.",
	}},
	{RequestTimeout, Explanation{
		Cause: "The body did not arrive in time, or arrived at less than 8 KiB per second. The gateway did not process the " +
			"request.",
		Remedy: "Send the request again. If the error persists, the connection to the gateway is slow, or a proxy buffers the " +
			"body.",
	}},
	{PayloadTooLarge, Explanation{
		Cause: "The body exceeds the size limit of the gateway or its limit on the number of values, or one value exceeds the " +
			"size limit of the Temporal server.",
		Remedy: "Store large data elsewhere, such as in a blob store, and send a reference to it. Combine many values into one " +
			"argument, because values inside an argument do not count.",
	}},
	{UnsupportedMediaType, Explanation{
		Cause:  "The `Content-Type` is not JSON in UTF-8, or the request has a `Content-Encoding`.",
		Remedy: "Send `Content-Type: application/json` and an uncompressed body.",
	}},
	{MisdirectedRequest, Explanation{
		Cause: "The `Host` header names a host that this gateway does not serve.",
		Remedy: "Use one of the gateway's host names. If the name is correct, ask the gateway's operator to add it to " +
			"`listen.hosts`.",
	}},
	{WorkflowAlreadyStarted, Explanation{
		Cause: "A workflow with this id is running, or has closed and `idReusePolicy` does not allow the id again. `runId` is " +
			"the run in conflict.",
		Remedy: "If the id identifies the same piece of work, treat the workflow as started. Otherwise use another id, or another " +
			"`idReusePolicy` or `idConflictPolicy`.",
	}},
	{ScheduleAlreadyExists, Explanation{
		Cause:  "A schedule with this id exists.",
		Remedy: "Change that schedule with `PUT` or `PATCH`, or use another id.",
	}},
	{WorkflowCompleted, Explanation{
		Cause:  "The workflow has closed. Closed workflows do not accept signals, cancellations or terminations.",
		Remedy: "Read the result of the workflow instead. If the workflow should be running, its history shows how it closed.",
	}},
	{RunChainMismatch, Explanation{
		Cause: "The workflow id belongs to another run chain than `firstExecutionRunId`, because a workflow with this id was " +
			"started again since.",
		Remedy: "Decide whether to act on the newer workflow. If so, send the request without `firstExecutionRunId`, or with the " +
			"new one.",
	}},
	{QueryRejected, Explanation{
		Cause: "The status of the workflow, in `workflowStatus`, matches the `rejectCondition` of the query or the default that " +
			"the gateway has for the namespace. Or the workflow is paused: then Temporal rejects every query.",
		Remedy: "Send `rejectCondition: NONE` to query workflows in any status, or use the status in the response. Unpause a " +
			"paused workflow first.",
	}},
	{WorkflowNotReady, Explanation{
		Cause: "The workflow exists but cannot process this request yet. Usually its first workflow task has not run, or its " +
			"workflow tasks fail; `detail` then says so.",
		Remedy: "Retry after `Retry-After`. If the error persists, no worker polls the workflow's task queue, or the workflow " +
			"code fails: describe the workflow, whose `pendingWorkflowTask` counts the attempts.",
	}},
	{ActivityAlreadyStarted, Explanation{
		Cause: "An activity with this id is running, or has run and the id reuse policy does not permit another run. `runId` is " +
			"its run.",
		Remedy: "Use the existing activity, set `idConflictPolicy` or `idReusePolicy`, or choose another id.",
	}},
	{ActivityCompleted, Explanation{
		Cause:  "The activity has already completed, so it can no longer be completed, cancelled or terminated.",
		Remedy: "Read its result.",
	}},
	{NamespaceAlreadyExists, Explanation{
		Cause:  "A namespace with this name exists on the Temporal server.",
		Remedy: "Choose another name, or change the namespace with `PATCH /v1/namespaces/{namespace}`.",
	}},
	{Conflict, Explanation{
		Cause:  "The request conflicts with the current state of the resource. `detail` has the message of the Temporal server.",
		Remedy: "Read the state again before you decide what to do. The same request fails until the state changes.",
	}},
	{DeploymentChanged, Explanation{
		Cause:  "Another caller, or the server itself, has changed the deployment since the ETag in `If-Match`.",
		Remedy: "Describe the deployment, decide again, and send the request with the new ETag.",
	}},
	{ScheduleChanged, Explanation{
		Cause: "The schedule no longer has the `ETag` of your `If-Match`: somebody changed it, or it took one of a limited " +
			"number of actions. Your change was not applied. `etag` is the current one.",
		Remedy: "Read the schedule again, repeat your change on what you read, and send it with the new `ETag`. A `PATCH` " +
			"without `If-Match` does this for you.",
	}},
	{QueryFailed, Explanation{
		Cause:  "The query handler of the workflow returned an error. `failure` has that error if the server returns it.",
		Remedy: "Check the arguments of the query. If they are correct, the fault is in the workflow code.",
	}},
	{IdempotencyKeyReused, Explanation{
		Cause: "The `Idempotency-Key` has already started the workflow in `workflowId`, with a different request body. `runId` " +
			"is the run that it started. This request had no effect.",
		Remedy: "Send a repeated request with the original body, and use a new key for each new request.",
	}},
	{RateLimited, Explanation{
		Cause: "You have reached the limit of requests in flight for one caller, or of their total size, or the namespace has " +
			"reached its rate limit on the Temporal server.",
		Remedy: "Retry after `Retry-After`, and send fewer requests concurrently. If the error persists, ask the gateway's " +
			"operator for a higher limit.",
	}},
	{TooManyFailures, Explanation{
		Cause: "Too many requests from your network had an invalid credential. Requests with a valid credential are not " +
			"affected.",
		Remedy: "Stop sending the invalid credential and replace it. The limit applies to all clients in your network.",
	}},
	{ClientClosedRequest, Explanation{
		Cause: "The client closed the connection before the response was complete, or did not read it in time. This code is in " +
			"the gateway's log only.",
		Remedy: "If this is not intended, use a timeout longer than `wait` in the client and in each proxy, and read responses as " +
			"they arrive.",
	}},
	{Internal, Explanation{
		Cause:  "The gateway failed because of a defect. Its log has the cause.",
		Remedy: "Report the `requestId` to the gateway's operator. A write may have taken effect: check before you repeat it.",
	}},
	{NotOfferedByServer, Explanation{
		Cause: "The Temporal server does not offer this operation. Its version is too old or too new, or the feature is disabled.",
		Remedy: "Use another operation, or ask for an upgrade of the server. `GET /v1/system-info` returns its version and " +
			"capabilities.",
	}},
	{UpstreamError, Explanation{
		Cause:  "The Temporal server failed to process the request, or its response is not valid.",
		Remedy: "Report the `requestId` to the gateway's operator, who finds the cause in the log. A write may have taken effect.",
	}},
	{UpstreamAuthFailed, Explanation{
		Cause: "The Temporal server rejected the gateway's own credential, or the gateway has no valid one. Your credential is " +
			"not the cause.",
		Remedy: "Contact the gateway's operator. The gateway's credential for the Temporal server is missing, expired or wrong.",
	}},
	{UpstreamResponseTooLarge, Explanation{
		Cause:  "The response of the Temporal server exceeds the gateway's size limit.",
		Remedy: "Request less data, for example with a smaller `pageSize`. The operator can raise `upstream.maxResponseBytes`.",
	}},
	{UpstreamUnavailable, Explanation{
		Cause: "The gateway cannot reach the Temporal server, or lost the connection before the server responded.",
		Remedy: "Retry after `Retry-After`. With status 503 the request had no effect. With status 504 a write may have taken effect; " +
			"with an `Idempotency-Key` you can repeat it safely.",
	}},
	{UpstreamOverloaded, Explanation{
		Cause: "The Temporal server rejected the request because it is overloaded. With status 503 the request had no effect. With " +
			"status 504 a write may have taken effect.",
		Remedy: "Retry after `Retry-After`, with exponential backoff. With an `Idempotency-Key` you can repeat a write safely.",
	}},
	{WorkflowBusy, Explanation{
		Cause: "This workflow receives more calls than the server can process for one workflow. Other workflows are not " +
			"affected. By default a workflow can have 10 updates in flight; an accepted update counts until it completes.",
		Remedy: "Retry after `Retry-After` with exponential backoff; repeat an update with the same `updateId` or " +
			"`Idempotency-Key`. Send fewer calls concurrently, or distribute them over more workflows.",
	}},
	{UpdateNotAdmitted, Explanation{
		Cause: "No worker accepted the update before the wait ended. The Temporal server does not keep such an update, but a " +
			"worker may still accept it.",
		Remedy: "Send the update again with the `updateId` of this response or with the same `Idempotency-Key`. It is then the " +
			"same update and runs once. If the error persists, no worker polls the workflow's task queue.",
	}},
	{Overloaded, Explanation{
		Cause: "This replica of the gateway has reached its limit of requests in flight or of their total size. The request had " +
			"no effect, unless the status is 504: then the call was made, and there was no room for its response.",
		Remedy: "Retry after `Retry-After`; another replica may accept the request immediately. If the error persists, the " +
			"gateway needs more replicas.",
	}},
	{Draining, Explanation{
		Cause: "This replica of the gateway is shutting down. It does not process new requests: with status 503 the request had no " +
			"effect. With status 504 the request was in flight, and a write may have taken effect.",
		Remedy: "Retry after `Retry-After` on a new connection. With an `Idempotency-Key` you can repeat a write safely.",
	}},
	{JWKSUnavailable, Explanation{
		Cause: "The gateway has no current keys of the token's issuer, so that it cannot verify the token. Your token may be " +
			"valid.",
		Remedy: "Retry after `Retry-After`. If the error persists, contact the gateway's operator, whose log says why the keys " +
			"cannot be fetched.",
	}},
	{DeadlineExceeded, Explanation{
		Cause: "The Temporal server did not respond before the deadline, which is your `Request-Timeout` or else the gateway's " +
			"default.",
		Remedy: "Retry, with a longer `Request-Timeout` if you set one. A write may have taken effect; with an `Idempotency-Key` " +
			"the retry is safe.",
	}},
	{QueryTimeout, Explanation{
		Cause:  "No worker answered the query before the deadline.",
		Remedy: "Check that a worker polls the workflow's task queue and makes progress, and send the query again.",
	}},
}
