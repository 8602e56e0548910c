// Package handlers is the client API (/v1): the semantics of the Temporal
// SDK's Client and WorkflowHandle over plain HTTP. api/openapi.yaml is the
// source of its types and routes; one generic adapter stands between each
// route and its handler, and decodes, checks, calls, encodes and maps errors
// for all of them.
//
// Trust boundary: requests arrive authenticated, with a principal in their
// context, and nothing else about them is believed. The adapter asks whether
// the principal may do what the route is for before it reads any more of the
// request; the upstream chain asks again before anything goes out.
package handlers
