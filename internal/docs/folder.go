package docs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"
)

// Limits of the folder, because its documents stay in memory.
const (
	maxDocuments     = 100
	maxDocumentBytes = 8 << 20
	maxTitleBytes    = 80
)

// folderDocument is an OpenAPI document in the operator's folder.
type folderDocument struct {
	name        string // file name
	title       string
	contentType string
	text        []byte
}

// readFolder reads the documents in a folder, sorted by name. It ignores files of other
// types. It also ignores hidden files, because Kubernetes adds some to a mounted
// ConfigMap.
func readFolder(folder string) ([]folderDocument, error) {
	if folder == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var documents []folderDocument
	for _, entry := range entries {
		name := entry.Name()
		contentType := contentTypeOf(name)
		if contentType == "" || strings.HasPrefix(name, ".") {
			continue
		}
		if len(documents) == maxDocuments {
			return nil, fmt.Errorf("%s: has more than %d documents", folder, maxDocuments)
		}
		document, err := readDocument(folder, name, contentType)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(folder, name), err)
		}
		documents = append(documents, document)
	}
	return documents, nil
}

func contentTypeOf(name string) string {
	switch filepath.Ext(name) {
	case ".json":
		return typeJSON
	case ".yaml", ".yml":
		return typeYAML
	default:
		return ""
	}
}

// safeName matches file names that need no escaping in a path, a route or a
// log.
var safeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func readDocument(folder, name, contentType string) (folderDocument, error) {
	if !safeName.MatchString(name) {
		return folderDocument{}, errors.New("the name may have letters, digits, '.', '_' and '-' only, and at most 100 characters")
	}
	text, err := readBounded(filepath.Join(folder, name))
	if err != nil {
		return folderDocument{}, err
	}
	unmarshal := yaml.Unmarshal
	if contentType == typeJSON {
		unmarshal = func(text []byte, into any) error { return json.Unmarshal(text, into) }
	}
	title, err := titleOf(text, unmarshal)
	if err != nil {
		return folderDocument{}, err
	}
	if title == "" {
		title = strings.TrimSuffix(name, filepath.Ext(name))
	}
	return folderDocument{name: name, title: title, contentType: contentType, text: text}, nil
}

// readBounded reads a regular file of at most maxDocumentBytes.
func readBounded(name string) ([]byte, error) {
	// Reading a named pipe would block the start of the gateway.
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil, cmp.Or(withoutPath(err), errors.New("is not a regular file"))
	}
	f, err := os.Open(name) //nolint:gosec // the operator configures the folder
	if err != nil {
		return nil, withoutPath(err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxDocumentBytes+1))
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case len(text) > maxDocumentBytes:
		return nil, fmt.Errorf("is larger than %d bytes", maxDocumentBytes)
	default:
		return text, nil
	}
}

// titleOf returns the title of an OpenAPI document, which may be empty. It
// returns an error if the text is not an OpenAPI document.
func titleOf(text []byte, unmarshal func([]byte, any) error) (string, error) {
	var document map[string]any
	if err := unmarshal(text, &document); err != nil {
		return "", fmt.Errorf("cannot be parsed: %w", err)
	}
	_, openAPI := document["openapi"]
	_, swagger := document["swagger"]
	if !openAPI && !swagger {
		return "", errors.New("is not an OpenAPI document: it has neither openapi nor swagger")
	}
	info, _ := document["info"].(map[string]any)
	title, _ := info["title"].(string)
	title = strings.ToValidUTF8(strings.TrimSpace(title), "")
	if len(title) > maxTitleBytes {
		title = strings.ToValidUTF8(title[:maxTitleBytes], "") + "…"
	}
	return title, nil
}

// withoutPath removes the path from an error, because readFolder adds it.
func withoutPath(err error) error {
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
