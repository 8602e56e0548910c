package handlers_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/api"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// updateGolden writes the golden files instead of comparing with them:
//
//	go test ./internal/handlers -run TestGolden -update
//
//nolint:gochecknoglobals // a flag
var updateGolden = flag.Bool("update", false, "write the golden files in testdata/golden")

const goldenDir = "testdata/golden"

// exchange is a request, and the preparation of the upstream for it.
type exchange struct {
	method, path, body string
	headers            []string
	upstream           func(*upstreamtest.Server) // sets the responses of the upstream, unless it is nil
}

// goldenFile is the content of a golden file.
type goldenFile struct {
	Request  goldenRequest  `json:"request"`
	Response goldenResponse `json:"response"`
}

type goldenRequest struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Body   json.RawMessage `json:"body,omitempty"`
}

type goldenResponse struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body,omitempty"`
}

// goldenHeaders returns the headers of a response that depend on the operation.
func goldenHeaders(header http.Header) map[string]string {
	found := map[string]string{}
	for _, name := range []string{"Allow", "Cache-Control", "Content-Type", "ETag", "Location", "Retry-After", "WWW-Authenticate"} {
		if value := header.Get(name); value != "" {
			found[name] = value
		}
	}
	return found
}

// delegatedToken matches a delegated token, which differs each time the test runs.
var delegatedToken = regexp.MustCompile(`"fgt\.[^"]*"`)

// goldenBody returns the body as JSON. It replaces the OpenAPI document with its file name.
func goldenBody(t *testing.T, r servertest.Response) json.RawMessage {
	t.Helper()
	switch {
	case r.Body == "":
		return nil
	case r.Body == string(api.OpenAPIYAML()):
		return json.RawMessage(`"(api/openapi.yaml)"`)
	case r.Body == string(api.OpenAPIJSON()):
		return json.RawMessage(`"(api/openapi.yaml as JSON)"`)
	}
	require.True(t, json.Valid([]byte(r.Body)), r.Body)
	return delegatedToken.ReplaceAll([]byte(r.Body), []byte(`"fgt.(a delegated token)"`))
}

// run sends the request and returns the content of the golden file. Time is virtual, and starts on 2000-01-01.
func (e exchange) run(t *testing.T) (content []byte) {
	t.Helper()
	keyFile := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(keyFile, bytes.Repeat([]byte("k"), 32), 0o600))
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: servertest.Apply(servertest.WithTemporalKeys(t), func(cfg *config.Config) { cfg.Tokens.KeyFiles = []string{keyFile} })})
		synctest.Wait()
		if e.upstream != nil {
			e.upstream(g.Upstream)
		}
		r := g.Do(t, e.method, e.path, e.body, append([]string{"X-Request-Id", "golden"}, e.headers...)...)
		require.Equal(t, "golden", r.Header.Get("X-Request-Id"))
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		require.NoError(t, encoder.Encode(goldenFile{
			Request:  goldenRequest{Method: e.method, Path: e.path, Body: json.RawMessage(e.body)},
			Response: goldenResponse{Status: r.Status, Headers: goldenHeaders(r.Header), Body: goldenBody(t, r)},
		}))
		content = text.Bytes()
	})
	return content
}

// TestGoldenResponses compares a response and a problem of each operation with a file in testdata/golden, so that a
// reviewer sees what callers get. Each operation of api/openapi.yaml needs both.
func TestGoldenResponses(t *testing.T) {
	t.Parallel()
	exchanges := map[string]exchange{}
	for _, responses := range []map[string]exchange{goldenResponses(), activityResponses()} {
		for name, e := range responses {
			exchanges[name+".json"] = e
		}
	}
	for _, problems := range []map[string]exchange{goldenProblems(), activityProblems()} {
		for name, e := range problems {
			exchanges[name+".problem.json"] = e
		}
	}
	for _, operation := range documentedOperations(t) {
		require.Contains(t, exchanges, operation+".json")
		require.Contains(t, exchanges, operation+".problem.json")
	}
	if !*updateGolden {
		var files []string
		entries, err := os.ReadDir(goldenDir)
		require.NoError(t, err)
		for _, entry := range entries {
			files = append(files, entry.Name())
		}
		require.Equal(t, slices.Sorted(maps.Keys(exchanges)), files, "a file has no exchange, or an exchange has no file, which -update writes")
	}
	for name, e := range exchanges {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, file := e.run(t), filepath.Join(goldenDir, name)
			if *updateGolden {
				require.NoError(t, os.MkdirAll(goldenDir, 0o750))
				require.NoError(t, os.WriteFile(file, content, 0o644)) //nolint:gosec // part of the repository
				return
			}
			want, err := os.ReadFile(file) //nolint:gosec // in goldenDir
			require.NoError(t, err)
			require.Equal(t, string(want), string(content), "-update rewrites the file")
			hasCode := strings.Contains(string(content), `"code":`)
			require.Equal(t, strings.HasSuffix(name, ".problem.json"), hasCode, "problems have a code, and other responses have none")
		})
	}
}

// documentedOperations returns the operation ids of api/openapi.yaml.
func documentedOperations(t *testing.T) []string {
	t.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(api.OpenAPIJSON(), &document))
	var found []string
	for _, item := range document.Paths {
		for method, text := range item {
			if method == "parameters" {
				continue
			}
			var operation struct {
				OperationID string `json:"operationId"`
			}
			require.NoError(t, json.Unmarshal(text, &operation))
			found = append(found, operation.OperationID)
		}
	}
	require.GreaterOrEqual(t, len(found), 29)
	return found
}
