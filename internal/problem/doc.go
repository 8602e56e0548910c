// Package problem holds the gateway's one error type, the one table of its
// codes, the one mapping from an upstream gRPC status to a code, and the
// writing of RFC 9457 problem documents.
//
// Trust boundary: what an [Error] shows to a caller (its code, detail and
// members) and what it tells the log ([Error.Error]) are kept apart. Text of
// upstream Unavailable, Unknown and Internal errors, addresses and causes
// belong to the log alone. An error of any other type is an internal error:
// its text is never shown.
package problem
