// Package deployment has the operations on worker deployments and their versions: list,
// describe, set the current and the ramping version and the manager, change metadata,
// delete.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller. The server joins the name and the build id of a version to one text, and
// splits it at the first "." or ":". So a name with one of these characters would name
// a version of another deployment, and is rejected here.
//
// Failure posture: a request that is conditional on an ETag is never sent without a
// conflict token. A tag that the gateway has not made matches no state.
package deployment
