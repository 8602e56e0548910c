package docs_test

import (
	"compress/gzip"
	"html/template"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/docs"
	"github.com/flowgate/flowgate/internal/problem"
)

const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// linkPattern matches the targets of the links in a page and of the files that it loads.
var linkPattern = regexp.MustCompile(`(?:src|href)="([^"]*)"`)

func TestServedPathsAndHeaders(t *testing.T) {
	t.Parallel()
	pages := newSite(t, docs.Options{Documents: gatewayDocuments(), Folder: writeFolder(t, "orders.yaml", "openapi: 3.1.0\ninfo: {title: Orders}\n")})
	for path, contentType := range map[string]string{
		"/docs":                                  "text/html; charset=utf-8",
		"/docs/":                                 "text/html; charset=utf-8",
		"/docs/problems":                         "text/html; charset=utf-8",
		"/docs/documents.json":                   "application/json",
		"/docs/documents/orders.yaml":            "application/yaml",
		"/docs/assets/any/docs.js":               "text/javascript; charset=utf-8",
		"/docs/assets/any/docs.css":              "text/css; charset=utf-8",
		"/docs/assets/any/icon.svg":              "image/svg+xml",
		"/docs/assets/any/swagger-ui.css":        "text/css; charset=utf-8",
		"/docs/assets/any/swagger-ui-bundle.js":  "text/javascript; charset=utf-8",
		"/docs/assets/any/LICENSE":               "text/plain; charset=utf-8",
		"/docs/assets/any/NOTICE":                "text/plain; charset=utf-8",
		"/docs?url=https://evil.example/spec":    "text/html; charset=utf-8",
		"/docs?configUrl=https://evil.example/c": "text/html; charset=utf-8",
	} {
		w := get(t, pages, path)
		require.Equal(t, http.StatusOK, w.Code, path)
		require.NotEmpty(t, w.Body.String(), path)
		require.Equal(t, contentType, w.Header().Get("Content-Type"), path)
		require.Equal(t, contentSecurityPolicy, w.Header().Get("Content-Security-Policy"), path)
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"), path)
		require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"), path)
		require.Equal(t, "no-cache", w.Header().Get("Cache-Control"), path)
		require.Regexp(t, `^"[0-9a-f]{32}"$`, w.Header().Get("ETag"), path)
	}
}

func TestUnknownPathsReturn404(t *testing.T) {
	t.Parallel()
	pages := newSite(t, docs.Options{Documents: gatewayDocuments(), Folder: writeFolder(t, "notes.txt", "private")})
	for _, path := range []string{
		"/docs/problems/", "/docs/none", "/docs/documents", "/docs/documents/", "/docs/documents/notes.txt",
		"/docs/documents/..%2fnotes.txt", "/docs/assets/any", "/docs/assets/any/api.gohtml", "/docs/assets/any/package.json",
		"/docs/swagger-ui-bundle.js",
	} {
		require.Equal(t, http.StatusNotFound, get(t, pages, path).Code, path)
	}
}

func TestMatchingETagReturns304(t *testing.T) {
	t.Parallel()
	pages := newSite(t, docs.Options{Documents: gatewayDocuments()})
	for _, headers := range [][]string{{"Accept", "*/*"}, {"Accept-Encoding", "br, gzip"}} {
		first := get(t, pages, "/docs", headers...)
		again := get(t, pages, "/docs", append(headers, "If-None-Match", first.Header().Get("ETag"))...)
		require.Equal(t, http.StatusNotModified, again.Code)
		require.Empty(t, again.Body.String())
		require.Equal(t, contentSecurityPolicy, again.Header().Get("Content-Security-Policy"))
	}
	require.Equal(t, http.StatusOK, get(t, pages, "/docs", "If-None-Match", `"other"`).Code)
}

func TestContentIsCompressedWhenAccepted(t *testing.T) {
	t.Parallel()
	pages := newSite(t, docs.Options{Documents: gatewayDocuments()})
	plain := get(t, pages, "/docs/problems", "Accept-Encoding", "identity, gzip;q=0")
	require.Empty(t, plain.Header().Get("Content-Encoding"))

	compressed := get(t, pages, "/docs/problems", "Accept-Encoding", "gzip, deflate, br")
	require.Equal(t, "gzip", compressed.Header().Get("Content-Encoding"))
	require.Equal(t, "Accept-Encoding", compressed.Header().Get("Vary"))
	require.NotEqual(t, plain.Header().Get("ETag"), compressed.Header().Get("ETag"))
	require.Less(t, compressed.Body.Len(), plain.Body.Len())
	reader, err := gzip.NewReader(compressed.Body)
	require.NoError(t, err)
	text, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Equal(t, plain.Body.String(), string(text))
}

func TestOnlyAssetsOfThisVersionAreCachedForever(t *testing.T) {
	t.Parallel()
	pages := newSite(t, docs.Options{Documents: gatewayDocuments()})
	assets := 0
	for _, match := range linkPattern.FindAllStringSubmatch(get(t, pages, "/docs").Body.String(), -1) {
		if strings.HasPrefix(match[1], "/docs/assets/") {
			assets++
			w := get(t, pages, match[1])
			require.Equal(t, http.StatusOK, w.Code, match[1])
			require.Equal(t, "public, max-age=31536000, immutable", w.Header().Get("Cache-Control"), match[1])
		}
	}
	require.GreaterOrEqual(t, assets, 5)
}

func TestPagesLoadOnlyFromTheGateway(t *testing.T) {
	t.Parallel()
	pages := newSite(t, docs.Options{Documents: gatewayDocuments()})
	for _, path := range []string{"/docs", "/docs/problems"} {
		html := get(t, pages, path).Body.String()
		require.NotRegexp(t, `<script(\s+[a-z]+="[^"]*"|\s+defer)*>[^<]`, html, "the page has an inline script")
		require.NotRegexp(t, `<style|\sstyle=|\son[a-z]+=|javascript:`, html)
		links := linkPattern.FindAllStringSubmatch(html, -1)
		require.NotEmpty(t, links)
		for _, link := range links {
			require.Regexp(t, `^(/[^/]|#)`, link[1], path)
		}
	}
	require.Equal(t, 2, strings.Count(get(t, pages, "/docs").Body.String(), "<script "))
	require.NotContains(t, get(t, pages, "/docs/problems").Body.String(), "<script")
	for _, asset := range []string{"docs.js", "docs.css"} {
		require.NotContains(t, get(t, pages, "/docs/assets/any/"+asset).Body.String(), "://", asset)
	}
}

func TestSwaggerUIIgnoresTheQueryAndStoresNoKey(t *testing.T) {
	t.Parallel()
	script := get(t, newSite(t, docs.Options{Documents: gatewayDocuments()}), "/docs/assets/any/docs.js").Body.String()
	for _, setting := range []string{"queryConfigEnabled: false", "persistAuthorization: false", "validatorUrl: null"} {
		require.Contains(t, script, setting)
	}
}

func TestProblemsPageHasASectionForEveryCode(t *testing.T) {
	t.Parallel()
	html := get(t, newSite(t, docs.Options{Documents: gatewayDocuments()}), "/docs/problems").Body.String()
	for _, code := range problem.Codes() {
		require.Equal(t, 1, strings.Count(html, `<section id="`+string(code)+`">`), code)
		require.Contains(t, html, `<a href="#`+string(code)+`">`+template.HTMLEscapeString(code.Row().Title)+`</a>`)
	}
	require.Equal(t, len(problem.Codes()), strings.Count(html, "<dt>What to do</dt>"))
	require.NotContains(t, html, "`")
	require.NotContains(t, html, "<dd></dd>")
}
