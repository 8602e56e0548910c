// Package inspect reads and checks messages of Temporal's API in their wire form,
// by their descriptors. [Compile] prepares the checks of each RPC of the linked API
// once. A check reads only the fields that it needs and decodes no entire message.
//
// Rules about field names (mark.go) determine which fields name a namespace, a
// workflow type, a task queue or a Nexus endpoint. So a new field is checked as soon
// as the gateway is linked with the version of the API that adds it. No rule can
// determine which RPCs start work that their requests do not name: starts.go
// classifies them by hand, and a test checks that it classifies all.
//
// Trust boundary: requests are untrusted. [Method.Check] checks every
// occurrence of a field, not only the last one, which a decoder keeps. So a repeated
// or split field cannot hide a value.
//
// Failure posture: closed. A malformed message, one that is nested too deeply, and
// one that names no namespace are rejected. A caller that
// is limited to some workflow types, task queues or Nexus endpoints may not call a
// write that starts.go does not classify.
package inspect
