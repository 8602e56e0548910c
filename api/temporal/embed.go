package temporal

import _ "embed"

//go:embed openapi.yaml
var openAPI string

//go:embed swagger.json
var swagger string

// Document is a document with its media type.
type Document struct {
	ContentType string
	Text        string
}

// The content types are those of Temporal's own documents.

// OpenAPI returns the OpenAPI 3 document.
func OpenAPI() Document {
	return Document{ContentType: "application/vnd.oai.openapi;version=3.0", Text: openAPI}
}

// Swagger returns the Swagger 2 document, for older generators.
func Swagger() Document {
	return Document{ContentType: "application/vnd.oai.openapi+json;version=2.0", Text: swagger}
}
