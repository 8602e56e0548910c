// Package problem defines the error type of the gateway, the table of its codes,
// the mapping from an upstream gRPC status to a code, and the writer of problem
// documents (RFC 9457).
//
// Trust boundary: an [Error] separates what a caller may see (code, detail and
// members) from what is for the log only ([Error.Error]): addresses, causes, and
// the messages of the upstream's Unavailable, Unknown and Internal errors. An error
// of any other type is an internal error, and its text is never returned to a
// caller.
package problem
