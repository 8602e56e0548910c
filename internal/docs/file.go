package docs

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
)

const (
	typeJSON = "application/json"
	typeYAML = "application/yaml"
)

// contentSecurityPolicy allows the pages to load files from the gateway and to call the
// gateway, and nothing else. It allows data: URLs for images, because the style sheet of
// Swagger UI contains images as such URLs.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// paramVersion is the route parameter in the path of an asset that changes with
// its content.
const paramVersion = "version"

// Caches must revalidate content at a fixed path. They may keep content whose path
// contains a version.
const (
	cacheNone    = "no-cache"
	cacheForever = "public, max-age=31536000, immutable"
)

// file is content that does not change while the gateway runs.
type file struct {
	contentType string
	content     []byte
	etag        string // without quotes
	version     string // version in the path of an asset; empty for other files
	gzipped     func() []byte
}

// NewFile returns a handler for content that does not change while the gateway
// runs. It sets an ETag, and compresses the content for clients that accept
// gzip.
func NewFile(contentType string, content []byte) http.Handler { return newFile(contentType, content) }

func newFile(contentType string, content []byte) *file {
	return &file{
		contentType: contentType, content: content, etag: hash(content),
		gzipped: sync.OnceValue(func() []byte { return compress(content) }),
	}
}

func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Add("Vary", "Accept-Encoding")
	h.Set("Cache-Control", cacheNone)
	// During a rolling update, a page of one version may request assets from a
	// replica of another version. It gets the assets of the other version, but
	// caches must not keep them under the requested path.
	if f.version != "" && chi.URLParam(r, paramVersion) == f.version {
		h.Set("Cache-Control", cacheForever)
	}
	content, etag := f.content, f.etag
	if acceptsGzip(r.Header) {
		content, etag = f.gzipped(), etag+"-gzip"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reports whether Accept-Encoding lists gzip in the form that browsers send.
// It returns false for gzip with a weight and for a wildcard: uncompressed content is
// always acceptable.
func acceptsGzip(h http.Header) bool {
	for coding := range strings.SplitSeq(h.Get("Accept-Encoding"), ",") {
		if strings.TrimSpace(coding) == "gzip" {
			return true
		}
	}
	return false
}

func compress(content []byte) []byte {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write(content) // a buffer does not return errors
	_ = w.Close()
	return zipped.Bytes()
}

// hash returns the truncated SHA-256 of the content in hex.
func hash(content []byte) string {
	const length = 16 // bytes, enough to avoid collisions
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:length])
}
