// Package activity has the operations on activities: the reports of a worker without an SDK
// (heartbeat, complete, fail, report cancellation), and activities without a workflow.
//
// Trust boundary: package operation authorises the caller and decodes the body. Everything
// in the body is the caller's and not trusted, the task token included: it is not signed.
// Package upstream rejects a token of another namespace, and the calls that the limits of a
// key exclude. A delegated token permits none of these operations.
//
// Failure posture: a request with a validation error reaches no server. A report is sent
// once, because the server does not deduplicate reports. A start, a cancellation and a
// termination carry a request id and may be retried.
package activity
