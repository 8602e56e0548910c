package temporal_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/api/temporal"
)

// document has the parts of a document, of either version, that the tests read.
type document struct {
	OpenAPI, Swagger string
	Info             struct{ Title, Description, Version string }
	Security         []map[string][]string
	Tags             []struct{ Name, Description string }
	Paths            map[string]map[string]operation
	Components       struct {
		SecuritySchemes map[string]map[string]string `yaml:"securitySchemes"`
	}
	SecurityDefinitions map[string]map[string]string `yaml:"securityDefinitions"`

	tree any // the whole document
}

type operation struct {
	OperationID          string `yaml:"operationId"`
	Summary, Description string
	Tags                 []string
	Security             *[]map[string][]string
	Responses            map[string]any
	Parameters           []struct{ Name, In, Description string }
}

// documents parses both documents. JSON is YAML too.
func documents(t *testing.T) map[string]document {
	t.Helper()
	parsed := map[string]document{}
	for name, served := range map[string]temporal.Document{"openapi": temporal.OpenAPI(), "swagger": temporal.Swagger()} {
		var d document
		require.NoError(t, yaml.Unmarshal([]byte(served.Text), &d), name)
		require.NoError(t, yaml.Unmarshal([]byte(served.Text), &d.tree), name)
		parsed[name] = d
	}
	require.Equal(t, "3.0.3", parsed["openapi"].OpenAPI)
	require.Equal(t, "2.0", parsed["swagger"].Swagger)
	return parsed
}

// operations calls visit for each operation. It fails if there are none.
func operations(t *testing.T, d document, visit func(path, method string, o operation)) {
	t.Helper()
	require.NotEmpty(t, d.Paths)
	for path, methods := range d.Paths {
		for method, o := range methods {
			visit(path, method, o)
		}
	}
}

// placeholder matches a parameter in a path.
var placeholder = regexp.MustCompile(`\{([^}]*)\}`)

func TestEveryRuleOfTheLinkedAPIIsAnOperation(t *testing.T) {
	t.Parallel()
	want := rules(t)
	for name, d := range documents(t) {
		found := map[string]string{}
		operations(t, d, func(path, method string, o operation) {
			rpc := strings.TrimSuffix(strings.TrimSuffix(o.OperationID, "ApiV1"), "OfWorkflow")
			found[strings.ToUpper(method)+" "+placeholder.ReplaceAllString(path, "{}")] = rpc
		})
		require.Equal(t, want, found, name)
	}
}

func TestEveryOperationHasBothPrefixes(t *testing.T) {
	t.Parallel()
	for name, d := range documents(t) {
		plain, older := map[string]string{}, map[string]string{}
		operations(t, d, func(path, method string, o operation) {
			id, isOlder := strings.CutSuffix(o.OperationID, "ApiV1")
			require.Equal(t, strings.HasPrefix(path, "/api/v1/"), isOlder, path)
			if isOlder {
				older[id] = method
			} else {
				plain[id] = method
			}
		})
		require.Equal(t, plain, older, name)
	}
}

func TestOperationsSuitGenerators(t *testing.T) {
	t.Parallel()
	identifier := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)
	for name, d := range documents(t) {
		ids := map[string]string{}
		tags := map[string]bool{}
		for _, tag := range d.Tags {
			require.NotEmpty(t, tag.Description, tag.Name)
			tags[tag.Name] = true
		}
		operations(t, d, func(path, method string, o operation) {
			at := name + ": " + method + " " + path
			require.Regexp(t, identifier, o.OperationID, at)
			require.Empty(t, ids[o.OperationID], at)
			ids[o.OperationID] = at
			require.NotEmpty(t, o.Summary, at)
			require.NotEmpty(t, o.Description, at)
			require.NotContains(t, o.Description, "api-linter", at)
			require.Len(t, o.Tags, 1, at)
			require.True(t, tags[o.Tags[0]], at)
			require.Subset(t, slices.Collect(maps.Keys(o.Responses)), []string{"200", "400", "401", "403", "404", "429", "default"}, at)

			var inPath, named []string
			for _, parameter := range o.Parameters {
				require.NotEmpty(t, parameter.Description, "%s: %s", at, parameter.Name)
				if parameter.In == "path" {
					require.Regexp(t, identifier, parameter.Name, at)
					inPath = append(inPath, parameter.Name)
				}
			}
			for _, match := range placeholder.FindAllStringSubmatch(path, -1) {
				named = append(named, match[1])
			}
			require.ElementsMatch(t, named, inPath, at)
			require.Len(t, slices.Compact(slices.Sorted(slices.Values(named))), len(named), at)
		})
	}
}

func TestEveryOperationRequiresTheGatewaysCredential(t *testing.T) {
	t.Parallel()
	for name, d := range documents(t) {
		schemes := d.Components.SecuritySchemes
		if name == "swagger" {
			schemes = d.SecurityDefinitions
		}
		require.ElementsMatch(t, []string{"bearer", "apiKey"}, slices.Collect(maps.Keys(schemes)), name)
		require.Equal(t, "X-API-Key", schemes["apiKey"]["name"], name)
		either := []map[string][]string{{"bearer": {}}, {"apiKey": {}}}
		require.Equal(t, either, d.Security, name)
		operations(t, d, func(path, method string, o operation) {
			require.Nil(t, o.Security, "%s: %s %s overrides the security of the document", name, method, path)
		})
	}
}

func TestEveryReferenceResolves(t *testing.T) {
	t.Parallel()
	for name, d := range documents(t) {
		count := 0
		var visit func(node any)
		visit = func(node any) {
			switch node := node.(type) {
			case map[string]any:
				if reference, ok := node["$ref"].(string); ok {
					count++
					require.NotNil(t, resolve(d.tree, reference), "%s: %s", name, reference)
					require.Len(t, node, 1, "%s: %s has other members beside it", name, reference)
				}
				for _, value := range node {
					visit(value)
				}
			case []any:
				for _, value := range node {
					visit(value)
				}
			}
		}
		visit(d.tree)
		require.Greater(t, count, len(d.Paths), name)
	}
}

// resolve resolves a reference in the document.
func resolve(tree any, reference string) any {
	for key := range strings.SplitSeq(strings.TrimPrefix(reference, "#/"), "/") {
		members, ok := tree.(map[string]any)
		if !ok {
			return nil
		}
		tree = members[key]
	}
	return tree
}

// Two paths must not differ in the names of their parameters only, because a
// router does not distinguish them.
func TestPathsAreDistinct(t *testing.T) {
	t.Parallel()
	methods := []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch}
	for name, d := range documents(t) {
		seen := map[string]bool{}
		for path, operations := range d.Paths {
			shape := placeholder.ReplaceAllString(path, "{}")
			require.False(t, seen[shape], "%s: %s", name, path)
			seen[shape] = true
			for method := range operations {
				require.Contains(t, methods, strings.ToUpper(method), path)
			}
		}
	}
}

func TestDocumentInfo(t *testing.T) {
	t.Parallel()
	for name, d := range documents(t) {
		require.Equal(t, "Temporal HTTP API", d.Info.Title, name)
		require.Regexp(t, `^\d+\.\d+\.\d+$`, d.Info.Version, name)
		require.Contains(t, d.Info.Description, "The credentials are **the gateway's**", name)
	}
	require.Contains(t, temporal.OpenAPI().Text, "servers:\n  - url: /\n")
}
