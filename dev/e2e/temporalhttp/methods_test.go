package temporalhttp_test

import (
	"cmp"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// examples returns all examples, by the name of their RPC method.
func examples() map[string][]example {
	all := map[string][]example{}
	for _, group := range []map[string][]example{
		namespaceExamples(), workflowExamples(), messageExamples(), taskExamples(), activityExamples(), scheduleExamples(),
		workerExamples(), deploymentExamples(), batchExamples(), nexusExamples(),
	} {
		maps.Copy(all, group)
	}
	return all
}

func TestEveryMethod(t *testing.T) {
	t.Parallel()
	cases := examples()
	methods := map[string]bool{}
	for _, b := range bindings() {
		methods[b.method] = true
		called := false
		for _, e := range cases[b.method] {
			if !strings.Contains(b.template, e.only) {
				continue
			}
			called = true
			t.Run(b.method+"/"+cmp.Or(e.about, "typical")+"/"+b.name(), func(t *testing.T) {
				t.Parallel()
				e.compare(t, b)
			})
		}
		if !called {
			t.Errorf("%s has no example for %s", b.method, b.name())
		}
	}
	for method := range cases {
		require.True(t, methods[method], "the API has no method %s with an HTTP rule", method)
	}
}
