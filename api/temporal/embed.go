package temporal

import _ "embed"

//go:embed openapi.yaml
var openAPI string

//go:embed swagger.json
var swagger string

// Document is a document as it is served.
type Document struct {
	ContentType string
	Text        string
}

// The content types are those with which Temporal serves its own.

// OpenAPI gives the document of OpenAPI 3.
func OpenAPI() Document {
	return Document{ContentType: "application/vnd.oai.openapi;version=3.0", Text: openAPI}
}

// Swagger gives the document of Swagger 2, which older generators read.
func Swagger() Document {
	return Document{ContentType: "application/vnd.oai.openapi+json;version=2.0", Text: swagger}
}
