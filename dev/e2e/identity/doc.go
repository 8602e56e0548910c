// Package identity tests minted tokens with a Temporal server that has the default authorizer and claim mapper and
// trusts only the keys that the gateway publishes.
//
// The gateway signs a token for each caller, namespace and role. The tests check that a caller may do exactly what the
// grants of its key permit, that the server knows the caller's name, and that signing keys and API keys can be changed
// under load without a failed call.
//
// One server trusts one gateway, so the tests share both. Tests that change files do not run in parallel. A run takes
// 90 s, and 30 s with -short.
package identity
