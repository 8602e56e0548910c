// Package openapi has the types, the routes and the interface that
// api/openapi.yaml defines, generated, and what the generated types refer to.
//
// Trust boundary: none. The types hold what a caller sent or what the Temporal
// server returned, unchecked, and a route passes its request on unread.
package openapi
