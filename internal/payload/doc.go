// Package payload converts JSON values to Temporal payloads and back, byte for byte. The digits, the key order and the
// escapes of a value never change. In a response, white space may change.
//
// Trust boundary: a strict decoder has already validated the JSON in requests (no duplicate keys, valid Unicode).
// Payloads in responses were written by data converters that the gateway does not control. A payload that is not valid
// JSON is returned unchanged, with its metadata; the package never guesses an encoding.
package payload
