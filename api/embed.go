package api

import _ "embed"

//go:embed openapi.yaml
var openAPIYAML []byte

//go:embed openapi.json
var openAPIJSON []byte

// OpenAPIYAML returns the document as written. All callers share the slice and
// must not modify it: a copy for each response would be memory that slow clients
// hold.
func OpenAPIYAML() []byte { return openAPIYAML }

// OpenAPIJSON returns the same document as JSON, in the same order. The slice is
// shared too.
func OpenAPIJSON() []byte { return openAPIJSON }
