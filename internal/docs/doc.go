// Package docs serves the HTML pages of the gateway: Swagger UI at /docs, and
// the reference of problem codes at /docs/problems.
//
// Trust boundary: the pages are public and the same for all clients. The
// package reads only the path, the validators and Accept-Encoding of a request.
// All content is fixed when the gateway starts: files in the binary, the table
// of problems, and the OpenAPI documents in a folder that the operator
// configures. A page does not trust the document that it loads. The
// Content-Security-Policy of the pages allows only scripts in the binary and
// requests to this gateway, so that no document can exfiltrate the API key that
// a user enters. The key stays in the memory of the page.
package docs
