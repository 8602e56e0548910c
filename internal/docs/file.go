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

// policy lets the pages load what the gateway serves, call the gateway, and
// nothing else. Swagger UI's pictures are data: URLs in its style sheet.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// paramVersion is the part of an asset's path that changes with its content.
const paramVersion = "version"

// Caches ask again for what keeps its path, and keep what does not.
const (
	cacheNone    = "no-cache"
	cacheForever = "public, max-age=31536000, immutable"
)

// file is content that stays the same as long as the gateway runs.
type file struct {
	contentType string
	content     []byte
	etag        string // without its quotes
	version     string // in the paths of assets
	gzipped     func() []byte
}

// NewFile serves content that stays the same as long as the gateway runs: with an
// ETag, and compressed for those who take it.
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
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Add("Vary", "Accept-Encoding")
	h.Set("Cache-Control", cacheNone)
	// While replicas are replaced, a page of one can ask another for its
	// assets: it gets those of the other, but must not keep them.
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

// acceptsGzip reads Accept-Encoding as browsers write it. Whoever writes a weight
// of zero, or a wildcard, gets the plain content, which everybody takes.
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
	_, _ = w.Write(content) // a buffer takes everything
	_ = w.Close()
	return zipped.Bytes()
}

func hash(content []byte) string {
	const length = 16 // bytes, enough that no two files share one
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:length])
}
