package rpc

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/api/temporal"
)

// MountDocuments adds the OpenAPI documents of the Temporal HTTP API, at the
// paths where Temporal has them. They are public, as they are there.
func MountDocuments(router chi.Router) {
	for path, document := range map[string]temporal.Document{
		"/openapi.yaml": temporal.OpenAPI(),
		"/swagger.json": temporal.Swagger(),
	} {
		handler := newDocumentHandler(document)
		router.Method(http.MethodGet, path, handler)
		router.Method(http.MethodHead, path, handler)
	}
}

// documentHandler serves a document that stays the same as long as the gateway
// runs. It is about a megabyte, of which gzip leaves a tenth.
type documentHandler struct {
	document temporal.Document
	etag     string // without its quotes
	zipped   func() string
}

func newDocumentHandler(document temporal.Document) *documentHandler {
	const length = 16 // bytes, enough that no two documents share one
	sum := sha256.Sum256([]byte(document.Text))
	return &documentHandler{
		document: document, etag: hex.EncodeToString(sum[:length]),
		zipped: sync.OnceValue(func() string { return zip(document.Text) }),
	}
}

func (d *documentHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", d.document.ContentType)
	h.Set("Cache-Control", "no-cache") // which lets it be kept, and asked for again
	h.Add("Vary", "Accept-Encoding")
	content, etag := d.document.Text, d.etag
	if takesGzip(r.Header) {
		content, etag = d.zipped(), etag+"-gzip"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
}

// takesGzip reads Accept-Encoding as clients write it. Whoever writes a weight
// of zero, or a wildcard, gets the plain text, which everybody takes.
func takesGzip(h http.Header) bool {
	for coding := range strings.SplitSeq(h.Get("Accept-Encoding"), ",") {
		if strings.TrimSpace(coding) == "gzip" {
			return true
		}
	}
	return false
}

func zip(text string) string {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(text)) // a buffer takes everything
	_ = w.Close()
	return zipped.String()
}
