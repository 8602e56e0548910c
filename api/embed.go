package api

import _ "embed"

//go:embed openapi.yaml
var openAPIYAML string

//go:embed openapi.json
var openAPIJSON string

// OpenAPIYAML gives the document as it was written.
func OpenAPIYAML() string { return openAPIYAML }

// OpenAPIJSON gives the same document as JSON, in the same order.
func OpenAPIJSON() string { return openAPIJSON }
