package docs_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/docs"
)

func TestDocumentsInTheFolderAreListed(t *testing.T) {
	t.Parallel()
	dir := writeFolder(
		t,
		"a.json", `{"openapi":"3.1.0","info":{"title":"Orders"}}`,
		"b.yml", "swagger: 2.0\ninfo: {title: Orders}\npaths: {/a: {get: {responses: {200: {}}}}}\n",
		"c.yaml", "openapi: 3.0.3\n",
		"d.yaml", "openapi: 3.0.3\ninfo: {title: '"+strings.Repeat("ö", 50)+"'}\n",
		"README.md", "# Not a document",
		".hidden.yaml", "[",
	)
	pages := newSite(t, docs.Options{Documents: gatewayDocuments(), Folder: dir})
	require.JSONEq(t, `[
		{"title": "Flowgate", "path": "/v1/openapi.json"},
		{"title": "Orders", "path": "/docs/documents/a.json"},
		{"title": "Orders (b.yml)", "path": "/docs/documents/b.yml"},
		{"title": "c", "path": "/docs/documents/c.yaml"},
		{"title": "`+strings.Repeat("ö", 40)+`…", "path": "/docs/documents/d.yaml"}
	]`, get(t, pages, "/docs/documents.json").Body.String())
	require.Equal(t, "openapi: 3.0.3\n", get(t, pages, "/docs/documents/c.yaml").Body.String())
}

// Kubernetes mounts the files of a ConfigMap as symbolic links through a hidden directory.
func TestDocumentsInAConfigMapAreRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "..2026"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "..2026", "a.yaml"), []byte("openapi: 3.1.0"), 0o600))
	require.NoError(t, os.Symlink("..2026", filepath.Join(dir, "..data")))
	require.NoError(t, os.Symlink("..data/a.yaml", filepath.Join(dir, "a.yaml")))
	require.Equal(t, 200, get(t, newSite(t, docs.Options{Folder: dir}), "/docs/documents/a.yaml").Code)
}

func TestNewRejectsInvalidDocuments(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ file, text, wantError string }{
		"not YAML":            {"a.yaml", "openapi: [", "a.yaml: cannot be parsed"},
		"not JSON":            {"a.json", `{"openapi": 3,}`, "a.json: cannot be parsed"},
		"a duplicate key":     {"a.json", `{"openapi": "3", "openapi": "3"}`, "a.json: cannot be parsed"},
		"a list":              {"a.yml", "- openapi", "a.yml: cannot be parsed"},
		"not OpenAPI":         {"a.yaml", "asyncapi: 3.0.0", "a.yaml: is not an OpenAPI document"},
		"empty":               {"a.yaml", "", "a.yaml: is not an OpenAPI document"},
		"a brace in the name": {"a{b}.yaml", "openapi: 3.1.0", "a{b}.yaml: the name may have"},
		"a space in the name": {"a b.json", "{}", "a b.json: the name may have"},
		"too large":           {"a.yaml", "openapi: 3.1.0\n#" + strings.Repeat(" ", 8<<20), "a.yaml: is larger than 8388608 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := docs.New(docs.Options{Folder: writeFolder(t, test.file, test.text)})
			require.ErrorContains(t, err, test.wantError)
		})
	}
}

func TestNewRejectsInvalidFolders(t *testing.T) {
	t.Parallel()
	_, err := docs.New(docs.Options{Folder: filepath.Join(t.TempDir(), "absent")})
	require.ErrorIs(t, err, os.ErrNotExist)

	var many []string
	for i := range 101 {
		many = append(many, strconv.Itoa(i)+".yaml", "openapi: 3.1.0")
	}
	_, err = docs.New(docs.Options{Folder: writeFolder(t, many...)})
	require.ErrorContains(t, err, "more than 100 documents")

	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "a.yaml"), 0o700))
	_, err = docs.New(docs.Options{Folder: dir})
	require.ErrorContains(t, err, "a.yaml: is not a regular file")
}
