// Package e2e contains the end-to-end tests of the gateway: two replicas of its executable in front of a real Temporal
// server with real workers, called over HTTP. The tests check the state of the server with the SDK.
//
// Every response is checked against a stricter form of api/openapi.yaml: undocumented members, statuses and media types
// are failures. A run of all tests fails if an operation of the document was not called.
//
// The executable is GATEWAY_BINARY or bin/gateway, which `make build` creates. The tests share one server, so each uses
// unique workflow ids. Tests that count upstream calls or stop a gateway start their own gateway.
package e2e
