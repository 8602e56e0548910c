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

// Bounds of what a folder may hold: the documents stay in memory.
const (
	maxDocuments = 100
	maxDocument  = 8 << 20
	maxTitle     = 80
)

// folderDocument is a document that an operator has put into the folder.
type folderDocument struct {
	name        string // of the file
	title       string
	contentType string
	text        []byte
}

// readFolder reads the documents of a folder, sorted by name. Files of other
// types are left alone, and so are hidden ones: Kubernetes mounts some beside
// the files of a ConfigMap.
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
			return nil, fmt.Errorf("%s: holds more than %d documents", folder, maxDocuments)
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

// safeName is a name that means the same in a path, a route and a log.
var safeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func readDocument(folder, name, contentType string) (folderDocument, error) {
	if !safeName.MatchString(name) {
		return folderDocument{}, errors.New("the name may have letters, digits, '.', '_' and '-' only, 100 in all")
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

func readBounded(name string) ([]byte, error) {
	// A pipe among the documents would hold up the start.
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil, cmp.Or(withoutPath(err), errors.New("is no regular file"))
	}
	f, err := os.Open(name) //nolint:gosec // the folder is the operator's to name
	if err != nil {
		return nil, withoutPath(err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case len(text) > maxDocument:
		return nil, fmt.Errorf("is larger than %d bytes", maxDocument)
	default:
		return text, nil
	}
}

// titleOf gives the title of an OpenAPI document, which is what it is known by,
// or an error when the text is none.
func titleOf(text []byte, unmarshal func([]byte, any) error) (string, error) {
	var document map[string]any
	if err := unmarshal(text, &document); err != nil {
		return "", fmt.Errorf("does not parse: %w", err)
	}
	_, openAPI := document["openapi"]
	_, swagger := document["swagger"]
	if !openAPI && !swagger {
		return "", errors.New("is no OpenAPI document: it has neither openapi nor swagger")
	}
	info, _ := document["info"].(map[string]any)
	title, _ := info["title"].(string)
	title = strings.ToValidUTF8(strings.TrimSpace(title), "")
	if len(title) > maxTitle {
		title = strings.ToValidUTF8(title[:maxTitle], "") + "…"
	}
	return title, nil
}

// withoutPath is an error of a file without its name, which the caller tells.
func withoutPath(err error) error {
	if at, ok := errors.AsType[*os.PathError](err); ok {
		return at.Err
	}
	return err
}
