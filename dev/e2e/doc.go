// Package e2e tests the gateway from end to end: the gateway's own executable, two replicas of it, in front of a real
// Temporal server with real workers, over HTTP only. What must be true at the server is read there with the SDK.
//
// Every answer is held against api/openapi.yaml, made stricter than it is written: members, statuses and media types
// that the document does not name are failures. A run of all tests fails when an operation of the document was never
// called.
//
// The executable is bin/gateway, so `make build` comes first, or what GATEWAY_BINARY names. The tests share one server:
// each uses workflow ids of its own. Those that count upstream calls, or end a gateway, start a gateway of their own.
package e2e
