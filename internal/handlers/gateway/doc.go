// Package gateway has the operations on the gateway itself: the settings in force for a
// caller, and the versions of the gateway and of the server.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller. Responses contain no secrets, and of the configuration only what a client
// needs to adapt to.
package gateway
