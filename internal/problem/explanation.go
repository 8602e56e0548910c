package problem

// Explanation tells the developer of a calling service what a code means.
// Backticks enclose what is code.
type Explanation struct {
	// Cause says what happened.
	Cause string
	// Remedy says what to do about it.
	Remedy string
}

// Explanation gives the explanation of c. A code that is not in the table is a
// defect of the gateway and reads as an internal error.
func (c Code) Explanation() Explanation {
	var unknown Explanation
	for _, entry := range explanations {
		switch entry.code {
		case c:
			return entry.Explanation
		case Internal:
			unknown = entry.Explanation
		default:
		}
	}
	return unknown
}

// Codes lists every code, in the order in which they are declared.
func Codes() []Code {
	codes := make([]Code, len(explanations))
	for i, entry := range explanations {
		codes[i] = entry.code
	}
	return codes
}

type explained struct {
	code Code
	Explanation
}

// explanations has the codes in the order in which they are declared. It is
// never written to.
//
//nolint:gochecknoglobals // a read-only table
var explanations = []explained{
	{InvalidRequest, Explanation{
		Cause:  "A field, parameter or header is missing, is unknown or has a value that is not allowed. `errors` names what was found.",
		Remedy: "Correct what `errors` points at, or what `detail` says where there is no `errors`, and send the request again.",
	}},
	{InvalidJSON, Explanation{
		Cause:  "The body is not one JSON value: a syntax error, a repeated key, invalid Unicode, or something after its end.",
		Remedy: "Write the body with a JSON library. `detail` gives the byte at which reading stopped.",
	}},
	{UnknownField, Explanation{
		Cause:  "The body has a member that the operation does not know. Often it is a typing error.",
		Remedy: "Correct or remove what `errors` points at. Names are case-sensitive and in camelCase.",
	}},
	{InvalidPageToken, Explanation{
		Cause: "The `pageToken` was changed on the way, or was given to another caller, for another namespace or query, " +
			"or by a replica that signs with other keys.",
		Remedy: "Send `nextPageToken` back as it came, with the same credential and parameters, or begin again without a token. " +
			"If this happens at random, the replicas do not share the key files of `tokens.keyFiles`.",
	}},
	{AmbiguousCredentials, Explanation{
		Cause:  "The request carries more than one credential: `Authorization` and `X-API-Key` together, or one of them twice.",
		Remedy: "Send exactly one. If you send only one, look for a proxy on the way that adds another.",
	}},
	{NamespaceMismatch, Explanation{
		Cause:  "The request names, somewhere inside, another namespace than the one in its path.",
		Remedy: "Use one namespace for the whole request; work in another namespace needs a request of its own.",
	}},
	{MetadataNotAllowed, Explanation{
		Cause:  "A `Grpc-Metadata-` header names a key that this caller may not set.",
		Remedy: "Remove the header, or have the key allowed by the gateway's configuration. `GET /v1/namespaces/{namespace}/client` lists the allowed keys.",
	}},
	{InvalidPath, Explanation{
		Cause:  "The path has a `.` or `..` segment, plain or escaped, a control character, or bytes that are not UTF-8.",
		Remedy: "Percent-encode each segment exactly once. For an id that is only dots, send the segment `-` and the id as query parameter `workflowId`.",
	}},
	{Unauthenticated, Explanation{
		Cause:  "The request carries no credential, or an `Authorization` header of another scheme than `Bearer`.",
		Remedy: "Send your API key as `Authorization: Bearer fg_…` or as `X-API-Key: fg_…`.",
	}},
	{InvalidCredential, Explanation{
		Cause: "The credential is unknown, wrong, expired or disabled. The answer does not tell which.",
		Remedy: "Compare your key with the one that was handed to you, whole and without white space. If it is right, " +
			"ask the gateway's operator for a new one.",
	}},
	{InvalidToken, Explanation{
		Cause: "The token (JWT) is expired, is for another audience, is signed by a key that its issuer does not publish, or is not one " +
			"that the gateway takes. The answer does not tell which.",
		Remedy: "Get a new access token, for the issuer and audience that the gateway's operator names, and send it whole. " +
			"ID tokens are not taken.",
	}},
	{NamespaceForbidden, Explanation{
		Cause:  "Your credential has no grant on this namespace. The answer is the same whether the namespace exists or not.",
		Remedy: "Correct the namespace in the path, or ask the gateway's operator for a grant.",
	}},
	{OperationForbidden, Explanation{
		Cause:  "Your credential has a grant on the namespace, but a weaker role than the operation needs.",
		Remedy: "Use a credential with the role that `detail` names, or ask the gateway's operator for it.",
	}},
	{PermissionDenied, Explanation{
		Cause:  "The gateway let the request pass, but the Temporal server refused it to the gateway's own credential.",
		Remedy: "Tell the gateway's operator: the credential that the gateway uses for this namespace lacks a permission on the Temporal server.",
	}},
	{WorkflowNotFound, Explanation{
		Cause:  "There is no workflow with this id or run, or its retention has ended and the server has deleted it.",
		Remedy: "Check namespace, workflow id and `runId`. Leave `runId` out to reach the latest run.",
	}},
	{UpdateNotFound, Explanation{
		Cause: "The run has no update with this id. One that was rejected, or that no worker accepted, is not kept.",
		Remedy: "Check the update id, and name the run by `runId`: an update belongs to one run. " +
			"If no worker accepted the update, send it again with the same `updateId`.",
	}},
	{BatchNotFound, Explanation{
		Cause:  "There is no batch job with this id, or its retention has ended and the server has deleted it.",
		Remedy: "Check the namespace and the id. `GET /v1/namespaces/{namespace}/batches` lists the jobs that there are.",
	}},
	{NamespaceNotFound, Explanation{
		Cause:  "You may use this namespace, but the Temporal server has none of this name.",
		Remedy: "Check the name; on Temporal Cloud it ends in the account's id. A namespace that was just made takes some seconds to be known.",
	}},
	{QueryNotFound, Explanation{
		Cause: "The workflow has no handler for a query of this name.",
		Remedy: "Check the name: `GET /v1/namespaces/{namespace}/workflows/{workflowId}/metadata` lists the queries. " +
			"A worker with older code may not know it yet.",
	}},
	{RouteNotFound, Explanation{
		Cause:  "The gateway has nothing at this path.",
		Remedy: "Compare the path with the OpenAPI page at `/docs`. A slash in a workflow id is written `%2F`.",
	}},
	{MethodNotAllowed, Explanation{
		Cause:  "The path exists, but does not take this method.",
		Remedy: "Use one of the methods that the `Allow` header lists.",
	}},
	{NotAcceptable, Explanation{
		Cause:  "The `Accept` header allows none of the media types that the operation can answer with.",
		Remedy: "Accept one of the types that `detail` names, or leave the header out.",
	}},
	{RequestTimeout, Explanation{
		Cause:  "The request's body did not arrive in time, or at less than 8 KiB a second. Nothing was done.",
		Remedy: "Send it again. If it happens often, the connection to the gateway is slow or a proxy holds the body back.",
	}},
	{PayloadTooLarge, Explanation{
		Cause: "The body is larger than the gateway takes, has more values than it takes, or has a value that is larger than the " +
			"Temporal server takes.",
		Remedy: "Keep large data elsewhere, such as in a blob store, and send a reference to it. " +
			"Put many values into one argument: what is inside an argument is not counted.",
	}},
	{UnsupportedMediaType, Explanation{
		Cause:  "The body is not declared as JSON in UTF-8, or has a `Content-Encoding`.",
		Remedy: "Send `Content-Type: application/json` and the body uncompressed.",
	}},
	{MisdirectedRequest, Explanation{
		Cause:  "The `Host` header names a host that this gateway does not serve.",
		Remedy: "Call the gateway by one of its names. If the name is right, its operator adds it to `listen.hosts`.",
	}},
	{WorkflowAlreadyStarted, Explanation{
		Cause: "A workflow with this id is running, or has run and `idReusePolicy` does not let it start again. " +
			"`runId` names the run that stands against it.",
		Remedy: "Take it as started if the id stands for the same piece of work. " +
			"Otherwise choose another id, or another `idReusePolicy` or `idConflictPolicy`.",
	}},
	{WorkflowCompleted, Explanation{
		Cause:  "The workflow has ended, and what ended takes no signals, cancellations or terminations.",
		Remedy: "Ask for its result instead. If the workflow was expected to run, find out who ended it and why.",
	}},
	{RunChainMismatch, Explanation{
		Cause:  "The workflow id now belongs to another chain of runs than `firstExecutionRunId`: it was started again since.",
		Remedy: "Decide whether the newer workflow is meant. If so, send the call without `firstExecutionRunId` or with the new one.",
	}},
	{QueryRejected, Explanation{
		Cause: "The workflow's status, in `workflowStatus`, meets the query's `rejectCondition`, or the one that the " +
			"gateway's configuration sets for the namespace. Or the workflow is paused: then Temporal rejects every query.",
		Remedy: "Send `rejectCondition: NONE` to query closed workflows too, or use the status itself. Unpause a paused workflow first.",
	}},
	{WorkflowNotReady, Explanation{
		Cause: "The workflow exists, but cannot take this call yet. Usually its first workflow task has not run, or its workflow tasks fail, " +
			"as `detail` then says.",
		Remedy: "Send the request again after `Retry-After`. If it stays so, no worker polls the workflow's task queue, or its code is broken: " +
			"describe the workflow, whose `pendingWorkflowTask` counts the attempts.",
	}},
	{Conflict, Explanation{
		Cause:  "The request contradicts the present state of what it is for. `detail` has the Temporal server's words.",
		Remedy: "Read the state again and decide anew; the same request will fail in the same way until the state changes.",
	}},
	{QueryFailed, Explanation{
		Cause:  "The workflow's query handler ran and failed. `failure` holds what it raised, where the server tells.",
		Remedy: "Check the query's arguments. If they are right, the failure is the workflow's own to mend.",
	}},
	{IdempotencyKeyReused, Explanation{
		Cause: "The `Idempotency-Key` has started the workflow of `workflowId` before, with another request body. " +
			"`runId` is the run that it started; nothing was done now.",
		Remedy: "Send a repeated request with the body that it had, and use a new key for another request.",
	}},
	{RateLimited, Explanation{
		Cause:  "You have as many requests in flight as one caller may have, or they hold as many bytes, or the namespace's rate limit on the Temporal server is used up.",
		Remedy: "Wait for `Retry-After`, send the request again, and make fewer at once. If it persists, ask for a higher limit.",
	}},
	{TooManyFailures, Explanation{
		Cause:  "Too many requests from your network carried a credential that was refused. A valid credential is not affected.",
		Remedy: "Stop sending the refused credential and correct it. The same limit counts for everybody behind your address.",
	}},
	{ClientClosedRequest, Explanation{
		Cause:  "The caller closed the connection before the answer was ready, or did not read it in time. The code is only seen in the gateway's log.",
		Remedy: "If this is not meant, give the client, and each proxy on the way, a timeout longer than the `wait` that it asks for, and read answers as they come.",
	}},
	{Internal, Explanation{
		Cause:  "A defect of the gateway. What exactly happened is in its log.",
		Remedy: "Give `requestId` to the gateway's operator. A write may have taken effect: look before you repeat it.",
	}},
	{NotImplemented, Explanation{
		Cause:  "The Temporal server does not offer this operation: it is too old for it, or has it switched off.",
		Remedy: "Do without the operation, or have the server updated. `GET /v1/system-info` shows its version and capabilities.",
	}},
	{UpstreamError, Explanation{
		Cause:  "The Temporal server failed to handle the request, or answered with something that the gateway cannot read.",
		Remedy: "Give `requestId` to the gateway's operator, whose log has the cause. A write may have taken effect.",
	}},
	{UpstreamAuthFailed, Explanation{
		Cause:  "The Temporal server refused the gateway's own credential, or the gateway has none that it could use. Your credential is fine.",
		Remedy: "Tell the gateway's operator: the credential towards the Temporal server is missing, expired or wrong.",
	}},
	{UpstreamResponseTooLarge, Explanation{
		Cause:  "The Temporal server's answer is larger than the gateway takes.",
		Remedy: "Ask for less at once, such as with a smaller `pageSize`. The operator can raise `upstream.maxResponseBytes`.",
	}},
	{UpstreamUnavailable, Explanation{
		Cause:  "The gateway cannot reach the Temporal server, or the connection broke before its answer.",
		Remedy: "Send the request again after `Retry-After`. A write may have taken effect: with an `Idempotency-Key` it is safe to repeat.",
	}},
	{UpstreamOverloaded, Explanation{
		Cause:  "The Temporal server refused the request because it has too much to do.",
		Remedy: "Send the request again after `Retry-After`, with pauses that grow from one attempt to the next.",
	}},
	{WorkflowBusy, Explanation{
		Cause: "This one workflow gets more calls than the server handles for a single workflow; others are not affected. " +
			"It takes 10 updates at a time by default, and one that was accepted counts until it has its outcome.",
		Remedy: "Send the request again after `Retry-After`, with pauses that grow, an update with the same `updateId` or `Idempotency-Key`. " +
			"Send fewer at once, or spread calls over more workflows.",
	}},
	{UpdateNotAdmitted, Explanation{
		Cause: "No worker accepted the update before the wait ended. The Temporal server does not keep such an update, " +
			"and yet a worker may still take it.",
		Remedy: "Send it again, with `updateId` as this answer has it or with the same `Idempotency-Key`: it is the same update then, " +
			"and runs once. If it stays so, no worker polls the workflow's task queue.",
	}},
	{Overloaded, Explanation{
		Cause: "This replica of the gateway has as many requests in flight as it takes, or they hold as many bytes. " +
			"Nothing was done, unless `detail` says that the call was made.",
		Remedy: "Send the request again after `Retry-After`; another replica may take it at once. If it persists, more replicas are needed.",
	}},
	{Draining, Explanation{
		Cause: "This replica of the gateway is shutting down. A new request was not begun; of one that was in flight it is " +
			"not known whether it took effect, as `detail` then says.",
		Remedy: "Send the request again after `Retry-After`, on a new connection. With an `Idempotency-Key` a write is safe to repeat.",
	}},
	{JWKSUnavailable, Explanation{
		Cause:  "The gateway has no current keys of the token's issuer to verify it with. Your token may be fine.",
		Remedy: "Send the request again after `Retry-After`. If it persists, tell the gateway's operator, whose log says why the keys cannot be fetched.",
	}},
	{DeadlineExceeded, Explanation{
		Cause: "The Temporal server did not answer within the deadline: `Request-Timeout` where you sent one, else the gateway's own.",
		Remedy: "Send the request again, with a longer deadline if you named one. " +
			"A write may have taken effect: with an `Idempotency-Key` it is safe to repeat.",
	}},
	{QueryTimeout, Explanation{
		Cause:  "No worker answered the query within the deadline.",
		Remedy: "Check that a worker polls the workflow's task queue and is not stuck, and send the query again.",
	}},
}
