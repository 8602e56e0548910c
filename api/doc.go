// Package api contains the OpenAPI document of the client API, as YAML and as
// JSON. The API's types and routes are generated from it.
//
// Trust boundary: none. The document is fixed when the gateway is built.
package api
