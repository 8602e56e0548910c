// Package identity tests minted tokens with a Temporal server that has Temporal's default authorizer and claim mapper.
// The server trusts only the signing keys that the gateway publishes.
//
// The gateway mints a token for each caller, namespace and role. The tests check that a caller may do exactly what the
// grants of its API key permit, that the server records the name of the caller, and that signing keys and API keys can
// change under load without a failed call.
//
// All tests share one server and one gateway and do not run in parallel, because some change the files of the gateway.
// A run takes 90 s, and 30 s with -short.
package identity
