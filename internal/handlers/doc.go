// Package handlers is the client API (/v1): the semantics of the Temporal SDKs' Client
// and WorkflowHandle over plain HTTP. api/openapi.yaml is the source of its types and
// routes. This package assembles the API from the packages below it:
//
//   - openapi: the generated types, routes and interface;
//   - convert: JSON types to protobuf messages and back;
//   - operation: the adapter that runs every operation;
//   - a package for each resource: workflow, update, history, batch, token, gateway.
//
// Resources do not import one another.
//
// Trust boundary: requests arrive authenticated, with a principal in their context,
// and nothing else in them is trusted. [operation.Serve] authorises the caller before
// it reads the query string, the other headers or the body, and package upstream
// authorises each call again. A resource never grants access. It may only reject
// requests that Serve accepts.
package handlers
