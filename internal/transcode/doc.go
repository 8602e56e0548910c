// Package transcode converts JSON to protobuf wire bytes and wire bytes to JSON
// without building messages. [Plans] compiles a message descriptor once into a
// [Message], the plan that both directions follow.
//
// The mapping is ProtoJSON (https://protobuf.dev/programming-guides/json/).
// Temporal's payloads have two forms: the shorthand, which is the payload's
// JSON itself, byte for byte, and the long form with metadata and base64.
//
// # Two passes over wire bytes
//
// The conversion to JSON has a fast pass (tojson_fast.go) and a canonical pass
// (tojson_canonical.go). The fast pass writes each field as it reads it. This
// is correct as long as the fields of a message are in the order of their
// numbers, all occurrences of a field are adjacent, and at most one member of
// each oneof is set. All protobuf encoders write messages like that, but a
// decoder must accept any order: it merges the occurrences of a message field,
// takes the last occurrence of a scalar, and the last member of a oneof. When
// the fast pass finds a message in another order, it stops. The canonical pass
// then converts the whole document again. It first collects the occurrences of
// each field, and copies the bytes of a message into canonical order where that
// is necessary. The conversion restarts at most once, from the top: a restart
// at each level would double the work with each level of nesting. When the
// output is streamed, each list element is converted separately, and may
// restart once. Views always take the canonical pass, because their order is
// not that of the field numbers.
//
// The conversion to wire bytes (towire.go) needs one pass.
//
// Trust boundary: both inputs are hostile. JSON comes from callers, and wire
// bytes carry data that workers and other clients have stored. Depth is
// bounded, work and output grow linearly with the size of the input, and no
// input makes the package panic.
package transcode
