// Package payload converts JSON values to Temporal payloads and back, byte for
// byte. Digits, key order and escapes of a value in a request are never
// re-encoded, and in a response only white space may change.
//
// Trust boundary: JSON in requests has been validated by the strict decoder of
// the door (no duplicate keys, valid Unicode). Payloads in responses were
// written by data converters that the gateway does not control. A payload that
// is not valid JSON is returned unchanged, with its metadata; the package never
// guesses.
package payload
