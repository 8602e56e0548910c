// Package taskqueue has the operations on task queues: poll for activity tasks, which
// makes a worker of any HTTP client, describe, and the compatibility and reachability of
// build ids.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller. A limited caller polls only its own task queues: package upstream checks the
// name in every call. The task queues of the server's own workers cannot be polled.
//
// Failure posture: the server starts an activity before its response to a poll arrives,
// so a task that reaches no worker is lost until a timeout of the activity. A poll is
// therefore never cancelled, and its timeout is short. If its client leaves, the next equal
// request continues the poll. Until then, a task that it receives is given back to the
// server ([polls]). A task whose response cannot be written is given back too.
package taskqueue
