package api

import _ "embed"

//go:embed openapi.yaml
var openAPIYAML []byte

//go:embed openapi.json
var openAPIJSON []byte

// OpenAPIYAML gives the document as it was written. It is shared by all callers,
// who must not change it: a copy for each response would be memory that slow
// readers hold.
func OpenAPIYAML() []byte { return openAPIYAML }

// OpenAPIJSON gives the same document as JSON, in the same order. It
// is shared too.
func OpenAPIJSON() []byte { return openAPIJSON }
