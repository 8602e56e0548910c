// Package operation is the adapter between the routes of the client API and its
// resources. [Serve] runs every operation the same way: admission, query parameters,
// content negotiation, body, slot, workflow handle, response, problem. The rest of the
// package is shared by several resources: waits, pages and their tokens, idempotency
// keys, streams.
//
// Trust boundary: requests are authenticated, with a principal in their context, and
// nothing else in them is trusted. Serve authorises the caller before it reads the
// query string, the other headers or the body. Bodies are decoded strictly and within
// bounds. Page tokens are sealed for the caller, the namespace, the operation and the
// query.
//
// Failure posture: a request that fails before its response begins releases its slots
// and reserved memory, and receives a problem. A failure after that closes the
// connection, so that a truncated response never looks complete.
package operation
