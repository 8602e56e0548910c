// Package longpoll waits on Temporal for callers: for the outcome of a workflow
// ([Outcomes]), for the progress of an update ([Updates]) and for new events of
// a history ([Tails]). Equal waits share one upstream poll ([Group]). The
// poll starts with the first wait and ends with the last, so that thousands of waits
// for one workflow cost Temporal one poll.
//
// The package returns protobuf messages and wire bytes. Its callers convert
// them to JSON.
//
// Trust boundary: a poll runs as the principal of the caller that started it, and
// its result goes to all callers that joined. Two callers share a poll only if
// Temporal would send both the same response: they have the same namespace,
// credential, forwarded metadata and, for delegated tokens, the same scope. The group
// adds these to the key itself, so that no user of the package can omit them. Each
// poll passes the guard and the access table of [upstream.Client], like any other
// call.
//
// Failure posture: an upstream poll that ends without a result is repeated, at
// most once a second. An error ends the poll and goes to all callers that share
// it; the next caller starts a new poll. A poll that
// reaches the deadline that the gateway set for it is repeated and is not an error.
// The end of one caller's wait does not affect the others.
package longpoll
