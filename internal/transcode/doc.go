// Package transcode turns JSON into protobuf wire bytes and wire bytes into
// JSON, each in one pass and without building messages. [Plans] compiles a
// message descriptor once into a [Message], which both directions follow.
//
// The mapping is protobuf's own (https://protobuf.dev/programming-guides/json/).
// Temporal's payloads have two forms: their shorthand, plain JSON that passes
// byte for byte, and the long form with metadata and base64.
//
// Trust boundary: both sides are hostile. JSON comes from callers, wire bytes
// carry what workers and other clients have stored. Depth is bounded, work and
// output grow with the input's size alone, and nothing that is read can make
// the package panic.
package transcode
