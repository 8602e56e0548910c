// Package inspect reads and checks messages of Temporal's API in their wire form,
// by their descriptors. It compiles each RPC of the linked API once, with
// [Compile], and decodes no message as a whole.
//
// Which fields name a namespace, a workflow type, a task queue or a Nexus endpoint
// follows from rules about field names (mark.go), so that a field of a later
// version of the API counts as soon as the gateway is linked with it. Which RPCs
// start work that their requests do not name cannot be derived, and is a list
// (starts.go) that a test holds complete.
//
// Trust boundary: requests are untrusted. [Method.Check] looks at every
// occurrence of a field and not only at the last, which a decoder keeps, so that
// a repeated or split field hides nothing.
//
// Failure posture: closed. A malformed message, one that is nested too deeply, and
// one that names no namespace are rejected. A limited caller may not call a write
// that is not in the list of starts.go.
package inspect
