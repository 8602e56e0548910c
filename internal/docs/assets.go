package docs

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// pageFiles contains the templates and assets of this package.
//
//go:embed pages
var pageFiles embed.FS

// uiFiles contains the files of Swagger UI, unchanged from the npm package.
//
//go:embed ui/swagger-ui/swagger-ui-bundle.js ui/swagger-ui/swagger-ui.css ui/swagger-ui/*LICENSE* ui/swagger-ui/NOTICE
var uiFiles embed.FS

// readAssets returns the embedded files, except templates, by file name.
func readAssets() (map[string]*file, error) {
	types := map[string]string{
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
		"": "text/plain; charset=utf-8", ".txt": "text/plain; charset=utf-8",
	}
	assets := map[string]*file{}
	for _, files := range []embed.FS{pageFiles, uiFiles} {
		err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
			contentType, known := types[path.Ext(name)]
			if err != nil || entry.IsDir() || !known {
				return err
			}
			content, err := files.ReadFile(name)
			assets[path.Base(name)] = newFile(contentType, content)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("embedded files: %w", err)
		}
	}
	return assets, nil
}

// versionOf returns a version that changes when the content of any asset changes.
func versionOf(assets map[string]*file) string {
	const length = 12 // characters, enough to distinguish versions of the gateway
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(assets)) {
		all.WriteString(name + " " + assets[name].etag + "\n")
	}
	return hash([]byte(all.String()))[:length]
}
