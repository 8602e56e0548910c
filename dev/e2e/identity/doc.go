// Package identity tests who the gateway's callers are to a Temporal server that asks: one with its own default
// authorizer and claim mapper, which trusts nothing but the keys that the gateway publishes.
//
// The gateway signs a token for each caller, namespace and role. What the tests show is that a caller may do through it
// what its key's grants say and no more, that the server knows it by its name, and that keys, those that sign and those
// of the callers, can be changed under load without a call that fails.
//
// One server trusts one gateway, so that the tests share both, and what changes files runs by itself. A run takes a
// minute and a half, with -short half of one.
package identity
