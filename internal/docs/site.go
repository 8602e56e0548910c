package docs

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"slices"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json"
)

// Options configures the pages.
type Options struct {
	// Documents are the OpenAPI documents of the gateway itself. The page shows
	// the first one when it is opened.
	Documents []Document
	// Folder is a directory with more OpenAPI documents, in *.yaml, *.yml and
	// *.json files. [New] reads them. Empty means no folder.
	Folder string
}

// Document is an OpenAPI document in the page's selector.
type Document struct {
	// Title is the name of the document.
	Title string `json:"title"`
	// Path is the path at which the gateway serves the document.
	Path string `json:"path"`
}

// Site has the pages. [Site.Mount] adds their routes to a router.
type Site struct {
	files map[string]*file // by route
}

// The routes of the pages.
const (
	routeAPI       = "/docs"
	routeProblems  = "/docs/problems"
	routeList      = "/docs/documents.json"
	routeDocuments = "/docs/documents/"
	routeAssets    = "/docs/assets/"
)

// New reads the documents and renders the pages. If a document in the folder is not
// valid, the error names the file.
func New(options Options) (*Site, error) {
	fromFolder, err := readFolder(options.Folder)
	if err != nil {
		return nil, err
	}
	s := &Site{files: map[string]*file{}}
	documents := slices.Clone(options.Documents)
	for _, d := range fromFolder {
		s.files[routeDocuments+d.name] = newFile(d.contentType, d.text)
		if slices.ContainsFunc(documents, func(other Document) bool { return other.Title == d.title }) {
			d.title += " (" + d.name + ")"
		}
		documents = append(documents, Document{Title: d.title, Path: routeDocuments + d.name})
	}
	list, err := json.Marshal(documents)
	if err != nil {
		return nil, fmt.Errorf("list of documents: %w", err)
	}
	s.files[routeList] = newFile(typeJSON, append(list, '\n'))
	if err := s.addPages(); err != nil {
		return nil, err
	}
	return s, nil
}

// addPages adds the HTML pages and their assets to the site.
func (s *Site) addPages() error {
	assets, err := readAssets()
	if err != nil {
		return err
	}
	version := versionOf(assets)
	for name, asset := range assets { // the version in the path permits browsers to cache the asset forever
		asset.version = version
		s.files[routeAssets+"{"+paramVersion+"}/"+name] = asset
	}
	pages, err := template.New("").Funcs(template.FuncMap{
		"asset":     func(name string) string { return path.Join(routeAssets, version, name) },
		"splitCode": splitCode,
	}).ParseFS(pageFiles, "pages/*.gohtml")
	if err != nil {
		return err
	}
	for route, page := range map[string]struct {
		template string
		data     any
	}{
		routeAPI:      {"api.gohtml", nil},
		routeProblems: {"problems.gohtml", problemGroups()},
	} {
		var html bytes.Buffer
		if err := pages.ExecuteTemplate(&html, page.template, page.data); err != nil {
			return err
		}
		s.files[route] = newFile("text/html; charset=utf-8", html.Bytes())
	}
	s.files[routeAPI+"/"] = s.files[routeAPI] // the same page, because all its links are absolute
	return nil
}

// Mount adds the pages to a router.
func (s *Site) Mount(router chi.Router) {
	for route, f := range s.files {
		router.Method(http.MethodGet, route, f)
	}
}
