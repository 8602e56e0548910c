package operation_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/api"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// parameter is a parameter of an operation in api/openapi.yaml.
type parameter struct {
	Ref  string `json:"$ref"`
	Name string `json:"name"`
	In   string `json:"in"`
}

// parameterized is an operation with its parameters, including those that its path item declares.
type parameterized struct {
	id, method, path string
	parameters       []parameter
}

func parameterizedOperations(t *testing.T) []parameterized {
	t.Helper()
	var document struct {
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components struct {
			Parameters map[string]parameter `json:"parameters"`
		} `json:"components"`
	}
	require.NoError(t, json.Unmarshal(api.OpenAPIJSON(), &document))
	resolve := func(list []parameter) (resolved []parameter) {
		for _, p := range list {
			if p.Ref != "" {
				p = document.Components.Parameters[p.Ref[strings.LastIndexByte(p.Ref, '/')+1:]]
			}
			require.NotEmpty(t, p.Name)
			resolved = append(resolved, p)
		}
		return resolved
	}
	fillPath := strings.NewReplacer("{namespace}", "default", "{workflowId}", "order", "{updateId}", "u-1", "{jobId}", "job-1", "{activityId}", "a-1")
	var found []parameterized
	for path, item := range document.Paths {
		var shared []parameter
		if text, ok := item["parameters"]; ok {
			require.NoError(t, json.Unmarshal(text, &shared))
		}
		for method, text := range item {
			if method == "parameters" {
				continue
			}
			var operation struct {
				OperationID string      `json:"operationId"`
				Parameters  []parameter `json:"parameters"`
			}
			require.NoError(t, json.Unmarshal(text, &operation))
			parameters := resolve(append(operation.Parameters, shared...))
			if !strings.HasPrefix(path, "/v1/openapi.") { // the document describes these once for all operations
				parameters = append(parameters, parameter{Name: "Request-Timeout", In: "header"}, parameter{Name: "Grpc-Timeout", In: "header"})
			}
			found = append(found, parameterized{operation.OperationID, strings.ToUpper(method), fillPath.Replace(path), parameters})
		}
	}
	return found
}

// Each parameter of each operation is sent twice. If that were accepted, a proxy might check the first value while the
// gateway uses the last.
func TestRepeatedParametersAreRejected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: servertest.WithTemporalKeys(t)})
		synctest.Wait()
		rejected := 0
		for _, operation := range parameterizedOperations(t) {
			for _, p := range operation.parameters {
				request := servertest.Request{Method: operation.method, Path: operation.path + "?", Headers: servertest.Bearer(servertest.RootKey)}
				if operation.id == "queryWorkflowByName" && p.Name != "query" {
					request.Path += "query=q&" // the only required parameter
				}
				switch {
				case p.In == "query":
					request.Path += url.QueryEscape(p.Name) + "=1&" + url.QueryEscape(p.Name) + "=1"
				case slices.Contains([]string{"Request-Timeout", "Grpc-Timeout"}, p.Name):
					request.Headers = append(request.Headers, p.Name, "1s", p.Name, "1s")
				default: // path parameters, and headers that are validated later or ignored
					continue
				}
				response := request.Send(t, g)
				require.Equal(t, http.StatusBadRequest, response.Status, "%s: %s: %s", operation.id, p.Name, response.Body)
				require.Contains(t, response.Body, p.Name, operation.id)
				rejected++
			}
		}
		require.Greater(t, rejected, 100)
		require.Zero(t, g.UpstreamCalls())
	})
}
