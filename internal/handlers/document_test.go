package handlers_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/api"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/problem"
)

// object is an object of the OpenAPI document.
type object = map[string]any

// member returns the object at a path of names below o. It is nil if there is none.
func member(o object, names ...string) object {
	for _, name := range names {
		o, _ = o[name].(object)
	}
	return o
}

func document(t *testing.T) object {
	t.Helper()
	var found object
	require.NoError(t, json.Unmarshal(api.OpenAPIJSON(), &found))
	return found
}

// target returns what a reference, or o itself if it is none, refers to.
func target(t *testing.T, document, o object) object {
	t.Helper()
	ref, ok := o["$ref"].(string)
	if !ok {
		return o
	}
	found := member(document, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	require.NotNil(t, found, "%s refers to nothing", ref)
	return found
}

// walk calls visit for each object below a node, with the name of the member that contains it.
func walk(node any, name string, visit func(name string, o object)) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			walk(element, name, visit)
		}
	case object:
		visit(name, node)
		for name, value := range node {
			if name != "example" && name != "examples" { // values, not parts of the document
				walk(value, name, visit)
			}
		}
	}
}

// operations returns the operations of the document by id, each with the parameters of its path.
func operations(t *testing.T, document object) map[string]object {
	t.Helper()
	found := map[string]object{}
	for _, item := range member(document, "paths") {
		shared, _ := item.(object)["parameters"].([]any)
		for name, value := range item.(object) { //nolint:forcetypeassert // the document is valid
			if o, ok := value.(object); ok && name != "parameters" {
				own, _ := o["parameters"].([]any)
				o["parameters"] = slices.Concat(own, shared)
				id, _ := o["operationId"].(string)
				require.NotContains(t, found, id)
				found[id] = o
			}
		}
	}
	require.NotEmpty(t, found)
	return found
}

func TestReferencesOfTheDocumentResolve(t *testing.T) {
	t.Parallel()
	d := document(t)
	walk(d, "", func(_ string, o object) { target(t, d, o) })
}

// Generated clients send a default as if the caller had set it, or require the member that has one. Descriptions state
// the defaults instead.
func TestTheDocumentHasNoDefaults(t *testing.T) {
	t.Parallel()
	walk(document(t), "", func(name string, o object) {
		if name != "responses" && name != "properties" {
			require.NotContains(t, o, "default", "%s: %v", name, o)
		}
	})
}

// With the format uuid, generated clients have another type for the run id of a request than for that of a response.
// Requests have a pattern instead.
func TestRunIDsAreStrings(t *testing.T) {
	t.Parallel()
	walk(document(t), "", func(name string, o object) { require.NotEqual(t, "uuid", o["format"], name) })
}

// Some generated clients send a credential for each alternative, and the gateway rejects two.
func TestTheDocumentHasOneSecurityScheme(t *testing.T) {
	t.Parallel()
	d := document(t)
	require.Equal(t, []any{object{"bearer": []any{}}}, d["security"])
	require.Equal(t, []string{"bearer"}, slices.Collect(maps.Keys(member(d, "components", "securitySchemes"))))
}

// Generators split an id at each capital letter: getURL would become get_u_r_l or get_url.
func TestOperationIdsAreMethodNames(t *testing.T) {
	t.Parallel()
	for id := range operations(t, document(t)) {
		require.Regexp(t, `^[a-z]+([A-Z][a-z]+)+$`, id)
	}
}

func TestHeadersOfEveryRequestAreDescribedOnce(t *testing.T) {
	t.Parallel()
	d := document(t)
	common := []string{"X-Request-Id", "Request-Timeout", "Grpc-Timeout", "traceparent", "Prefer"}
	for _, name := range common {
		require.Contains(t, member(d, "info")["description"], "- `"+name)
	}
	for id, o := range operations(t, d) {
		for _, p := range o["parameters"].([]any) { //nolint:forcetypeassert // operations has set it
			require.NotContains(t, common, target(t, d, p.(object))["name"], id) //nolint:forcetypeassert // the document is valid
		}
	}
}

// A generated method returns one type: a union of types, or of the types of several media types, is either lost or
// read as its first type. Streams are in x-stream-responses.
func TestResponsesHaveOneType(t *testing.T) {
	t.Parallel()
	d := document(t)
	for id, o := range operations(t, d) {
		for status, response := range member(o, "responses") {
			content := maps.Clone(member(target(t, d, response.(object)), "content")) //nolint:forcetypeassert // the document is valid
			delete(content, problem.ContentType)
			require.LessOrEqual(t, len(content), 1, "%s %s", id, status)
			schema := target(t, d, member(content, operation.JSON, "schema"))
			require.NotContains(t, schema, "oneOf", "%s %s", id, status)
			require.NotContains(t, schema, "anyOf", "%s %s", id, status)
			require.NotContains(t, content, operation.NDJSON, "%s %s", id, status)
		}
	}
}
