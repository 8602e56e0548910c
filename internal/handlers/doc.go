// Package handlers is the client API (/v1): the semantics of the Temporal
// SDK's Client and WorkflowHandle over plain HTTP. api/openapi.yaml is the
// source of its types and routes; one generic adapter stands between each
// route and its handler, and decodes, checks, calls, encodes and maps errors
// for all of them.
//
// Trust boundary: requests arrive authenticated, with a principal in their
// context, and nothing else in them is trusted. [request.Front.Admit] authorises
// the caller before the query string, the other headers or the body are read; the
// upstream chain authorises each call again before it goes out.
package handlers
