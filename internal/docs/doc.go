// Package docs is the gateway's pages for people: the OpenAPI page at /docs,
// which is Swagger UI, and the page of problems at /docs/problems.
//
// Trust boundary: the pages are public and the same for everybody. Nothing of
// a request but its path, its validators and Accept-Encoding is looked at, and
// what is served was fixed when the gateway started: files of the binary, the
// table of problems, and the OpenAPI documents of a folder that the operator
// names. A document is still hostile to the page that shows it: the pages'
// Content-Security-Policy runs scripts of the binary only and lets requests go
// to this gateway only, so that no document can carry off the API key that a
// user enters. The key stays in the memory of the page.
package docs
