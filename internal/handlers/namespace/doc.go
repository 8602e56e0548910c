// Package namespace has the operations on namespaces and their search attributes: list,
// register, describe, update; list, add and remove search attributes.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller, except that only the body names the namespace to register:
// [upstream.Client.Invoke] authorises it. A list contains the namespaces of every team,
// so it needs a grant on the cluster, and is never filtered by the caller's grants.
//
// Failure posture: what the server would silently ignore is rejected, such as a
// search attribute that exists with another type.
package namespace
