// Package payload turns JSON values into Temporal payloads and back, byte for
// byte: a value's digits, key order and escapes are never re-encoded on the
// way in, and only white space may change on the way out.
//
// Trust boundary: JSON that comes in has been validated by the strict decoder
// of the door (no duplicate keys, valid Unicode). Payloads that come out were
// written by anybody's data converter: what is not plain valid JSON is shown
// as it is, with its metadata, and never guessed at.
package payload
