package prometheus_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

// document is the part of an OpenAPI document that the test reads.
type document struct {
	Paths      map[string]map[string]any `yaml:"paths"`
	Components struct {
		Parameters map[string]struct {
			Name string `yaml:"name"`
		} `yaml:"parameters"`
	} `yaml:"components"`
}

// unbounded matches the operations of the Temporal HTTP API that wait for an event or for a worker.
var unbounded = regexp.MustCompile(`^(Poll.*|GetWorkflowExecutionHistory|UpdateWorkflowExecution|ExecuteMultiOperation|QueryWorkflow|` +
	`DescribeActivityExecution|DescribeNexusOperationExecution)(ApiV1)?$`)

// TestLatencyObjectiveExcludesRoutesThatWait compares the routes that the latency objective excludes with the documents of
// the two APIs.
func TestLatencyObjectiveExcludesRoutesThatWait(t *testing.T) {
	t.Parallel()
	excluded := excludedRoutes(t)
	included, waiting := 0, 0
	for route, waits := range routes(t) {
		matches := excluded.MatchString(route)
		require.True(t, matches || !waits, "%s can wait", route)
		if waits {
			waiting++
		}
		if !matches {
			included++
		}
	}
	t.Logf("%d routes count, %d routes can wait", included, waiting)
	require.Greater(t, included, waiting, "the objective covers most routes")
	workflow := "/v1/namespaces/{namespace}/workflows/{workflowId}"
	for _, route := range []string{workflow, workflow + "/signal", workflow + "/cancel", workflow + "/terminate", "/v1/system-info"} {
		require.False(t, excluded.MatchString(route), "%s does not wait", route)
	}
}

// excludedRoutes returns the expression of the routes that do not count in the latency objective.
func excludedRoutes(t *testing.T) *regexp.Regexp {
	t.Helper()
	found := map[string]bool{}
	for _, rule := range readRules(t) {
		for _, match := range regexp.MustCompile(`http_route!~"([^"]+)"`).FindAllStringSubmatch(rule.Expr, -1) {
			found[match[1]] = true
		}
	}
	require.Len(t, found, 1, "all rules exclude the same routes")
	for expression := range found {
		return regexp.MustCompile("^(?:" + expression + ")$")
	}
	return nil
}

// routes returns the routes of both APIs. The value is true if the duration of an operation depends on a wait, a worker or
// the length of a stream.
func routes(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, name := range []string{"openapi.yaml", "temporal/openapi.yaml"} {
		var document document
		readYAML(t, filepath.Join(deploytest.Repository(t), "api", name), &document)
		require.NotEmpty(t, document.Paths)
		for route, item := range document.Paths {
			for _, value := range item {
				if operation, ok := value.(map[string]any); ok {
					all[route] = all[route] || document.waits(operation)
				}
			}
		}
	}
	return all
}

func (d *document) waits(operation map[string]any) bool {
	id, _ := operation["operationId"].(string)
	_, streams := operation["x-stream-responses"]
	parameters, _ := operation["parameters"].([]any)
	return streams || unbounded.MatchString(id) || strings.HasPrefix(id, "query") || slices.ContainsFunc(parameters, func(value any) bool {
		parameter, _ := value.(map[string]any)
		name, _ := parameter["name"].(string)
		if reference, ok := parameter["$ref"].(string); ok {
			name = d.Components.Parameters[filepath.Base(reference)].Name
		}
		return name == "wait" || name == "waitNewEvent"
	})
}
