package api

import _ "embed"

//go:embed openapi.yaml
var openAPIYAML []byte

//go:embed openapi.json
var openAPIJSON []byte

// OpenAPIYAML returns the document as YAML. All callers share it and must not
// modify it. A copy for each response would cost memory for as long as a slow
// client reads.
func OpenAPIYAML() []byte { return openAPIYAML }

// OpenAPIJSON returns the same document as JSON, in the same order. It is
// shared too.
func OpenAPIJSON() []byte { return openAPIJSON }
