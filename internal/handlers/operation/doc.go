// Package operation is the adapter between the routes of the client API and its
// resources. [Serve] runs every operation the same way: admission, query parameters,
// content negotiation, body, slot, workflow handle, response, problem. The rest of the
// package is what more than one resource needs of HTTP: waits, pages and their tokens,
// idempotency keys, streams.
//
// Trust boundary: requests are authenticated, with a principal in their context, and
// nothing else in them is trusted. Serve authorises the caller before it reads the
// query string, the other headers or the body. Bodies are decoded strictly and within
// bounds. Page tokens are sealed for the caller, the namespace, the operation and the
// query.
//
// Failure posture: a request that fails before its response begins gets a problem, and
// has released its slots and bytes. A response that fails after that closes its
// connection, so that it never looks complete.
package operation
