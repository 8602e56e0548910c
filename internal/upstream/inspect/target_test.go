package inspect_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/inspect"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// A delegated token can permit a method only if the guard can read the workflow from its
// requests. The fields that name the workflow, its run and the signal or update are the
// target of the method.
func TestDelegatedTokensPermitExactlyTheMethodsWithATarget(t *testing.T) {
	t.Parallel()
	bearer := &auth.Principal{
		Grants:     []auth.Grant{{Namespace: orders, Role: auth.RoleWrite}},
		Capability: &auth.Capability{Namespace: orders, WorkflowID: "w", Read: true, Signals: []string{"s"}, Updates: []string{"u"}},
	}
	permitted := 0
	for name, access := range auth.AccessTable() {
		if bearer.Authorize(name, orders) == nil {
			permitted++
			require.True(t, inspect.HasTarget(compiled[name]), name)
			continue
		}
		require.False(t, inspect.HasTarget(compiled[name]), name)
		if access.Scope != auth.ScopeNone { // Check does not apply to these; Authorize rejects them
			require.Error(t, compiled[name].Check(bearer, orders, text(1, orders)), name)
		}
	}
	require.Equal(t, 6, permitted)
}

// Decoders merge the occurrences of a message field. Of a string field, some keep the
// first occurrence and some the last. So a request with different occurrences is rejected.
func TestNoEncodingHidesTheWorkflowOfADelegatedToken(t *testing.T) {
	t.Parallel()
	const signal = workflowservice.WorkflowService_SignalWorkflowExecution_FullMethodName
	const namespaceField, executionField, signalField, idField, runField = 1, 2, 3, 1, 2
	bearer := auth.Principal{Capability: &auth.Capability{
		Namespace: orders, WorkflowID: "w", RunID: "r", Signals: []string{"approve", "reject"},
	}}
	namespace := text(namespaceField, orders)
	id := func(value string) []byte { return field(executionField, text(idField, value)) }
	run := func(value string) []byte { return field(executionField, text(runField, value)) }
	name := func(value string) []byte { return text(signalField, value) }
	const forbidden, invalid = problem.OperationForbidden, problem.InvalidRequest
	for test, given := range map[string]struct {
		request []byte
		want    problem.Code // empty if the request is permitted
	}{
		"the workflow":             {slices.Concat(id("w"), run("r"), name("approve")), ""},
		"the same workflow twice":  {slices.Concat(id("w"), id("w"), run("r"), name("approve"), name("approve")), ""},
		"another workflow":         {slices.Concat(id("v"), run("r"), name("approve")), forbidden},
		"another workflow first":   {slices.Concat(id("v"), id("w"), run("r"), name("approve")), invalid},
		"another workflow last":    {slices.Concat(id("w"), run("r"), id("v"), name("approve")), invalid},
		"set and then empty":       {slices.Concat(id("w"), run("r"), id(""), name("approve")), invalid},
		"two in one execution":     {slices.Concat(field(executionField, slices.Concat(text(idField, "v"), text(idField, "w"))), run("r"), name("approve")), invalid},
		"no workflow":              {slices.Concat(run("r"), name("approve")), invalid},
		"another run":              {slices.Concat(id("w"), run("q"), name("approve")), forbidden},
		"no run":                   {slices.Concat(id("w"), name("approve")), forbidden},
		"another signal":           {slices.Concat(id("w"), run("r"), name("cancel")), forbidden},
		"two permitted signals":    {slices.Concat(id("w"), run("r"), name("approve"), name("reject")), invalid},
		"no signal":                {slices.Concat(id("w"), run("r")), invalid},
		"a number as the workflow": {slices.Concat(field(executionField, protowire.AppendVarint(protowire.AppendTag(nil, idField, protowire.VarintType), 7)), run("r"), name("approve")), invalid},
		"a truncated execution":    {slices.Concat(id("w"), run("r"), name("approve"), field(executionField, []byte{idField<<3 | 2, 9})), invalid},
	} {
		t.Run(test, func(t *testing.T) {
			t.Parallel()
			err := checkFor(bearer, signal, slices.Concat(namespace, given.request))
			if given.want == "" {
				require.NoError(t, err)
				return
			}
			upstreamtest.RequireProblem(t, given.want, err)
		})
	}
}
