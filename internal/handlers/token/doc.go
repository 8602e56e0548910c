// Package token has the operation that issues delegated tokens, which callers pass on
// to others: each permits a few operations on one workflow until it expires.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller to read the workflow. Package delegated bounds a token by the rights of its
// issuer, and the bearer of a token cannot issue another one. Every attempt is
// audited.
package token
