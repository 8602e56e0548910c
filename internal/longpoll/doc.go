// Package longpoll waits on Temporal for callers: for the outcome of a workflow
// ([Outcomes]), for the progress of an update ([Updates]) and for new events of
// a history ([Tails]). Callers who wait for the same share one upstream poll
// ([Group]): it starts with the first of them and ends with the last, so that
// thousands of waits for one workflow cost Temporal one.
//
// The package returns protobuf messages and wire bytes. Its callers convert
// them to JSON.
//
// Trust boundary: a poll runs as the principal of the caller that started it,
// and what it returns goes to all that joined. Two callers share a poll only
// when Temporal would send both the same response: same namespace, credential,
// forwarded metadata and scope of a delegated token. The group builds that part
// of the key itself, and no caller can leave it out. Each poll passes the guard
// and the access table of [upstream.Client] as any other call.
//
// Failure posture: an upstream poll that ends without news is repeated, at most
// once a second. An error ends the poll and reaches all callers that share it;
// the next caller starts a new poll. A deadline of the gateway's own is no
// error, and a caller whose time is over leaves the others undisturbed.
package longpoll
