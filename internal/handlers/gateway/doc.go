// Package gateway has the operations that describe the gateway itself: the settings in
// force for a caller, and the versions of the gateway and of the server.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller. Responses contain no secrets, and only those settings that affect clients.
package gateway
