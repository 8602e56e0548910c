// Package api has the OpenAPI document of the client API, as YAML and as JSON.
// The types and routes of the API are generated from it.
//
// Trust boundary: none. The document is fixed when the gateway is built.
package api
