// Package e2e contains the end-to-end tests of the gateway. They call two replicas of its executable over HTTP, in
// front of a real Temporal server with real workers. They check the state of the server over gRPC and with the SDK.
//
// Every response is checked against a stricter form of api/openapi.yaml: an undocumented member, status or media type
// is a failure. A run of all tests fails if it does not call every operation of the document.
//
// The executable is GATEWAY_BINARY or bin/gateway, which `make build` creates. The tests share one server, so each uses
// unique workflow ids. Tests that count upstream calls or stop a gateway start their own gateway.
package e2e
