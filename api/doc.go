// Package api holds the client API's OpenAPI document, which its types and
// routes are generated from, in the two forms that the gateway serves.
//
// Trust boundary: none. The document is fixed when the gateway is built.
package api
