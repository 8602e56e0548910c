package convert

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/problem"
)

func TestValidationErrorsAreBounded(t *testing.T) {
	t.Parallel()
	var v Validation
	require.NoError(t, v.Err())
	for i := range 1000 {
		v.Add("/args/"+strconv.Itoa(i)+strings.Repeat("n", 1000), "is wrong")
	}
	fields := problem.Of(v.Err()).Members.Errors
	require.Len(t, fields, maxErrors+1)
	require.Equal(t, "has more validation errors, which are not listed", fields[maxErrors].Detail)
	require.Less(t, len(fields[0].Pointer), 300)
}

func TestMergePrefixesJSONPointers(t *testing.T) {
	t.Parallel()
	var part, v Validation
	part.Add("/taskQueue", "is required")
	part.Add("?wait", "must be a duration")
	v.Merge("/start", part.Err())
	v.Merge("/start", nil)
	require.Equal(t, Validation{{Pointer: "/start/taskQueue", Detail: "is required"}, {Pointer: "?wait", Detail: "must be a duration"}}, v)
}

func TestStartRequestReportsAllErrors(t *testing.T) {
	t.Parallel()
	attempts, weight, key := int32(-1), float32(2000), int32(0)
	_, err := StartRequest(Stamp{}, &openapi.StartWorkflowRequest{
		WorkflowID: "a\nb", StartSignalArgs: []openapi.JSON{openapi.JSON(`1`)}, ExecutionTimeout: "-1s", IDReusePolicy: "NEVER",
		Args: []openapi.JSON{openapi.JSON(`1`)}, ArgPayloads: []openapi.PayloadInput{{}},
		Memo: map[string]openapi.JSON{"a/b": openapi.JSON(`1`)}, MemoPayloads: map[string]openapi.PayloadInput{"c/d": {}},
		SearchAttributes:   map[string]openapi.SearchAttributeInput{"e/f": openapi.SearchAttributeInput(`{"type":"None"}`)},
		RetryPolicy:        &openapi.RetryPolicy{MaximumAttempts: &attempts, InitialInterval: "2s", MaximumInterval: "1s"},
		Priority:           &openapi.Priority{PriorityKey: &key, FairnessWeight: &weight, FairnessKey: strings.Repeat("k", 65)},
		VersioningOverride: &openapi.VersioningOverride{Behavior: "PINNED"},
	})
	var pointers []string
	for _, field := range problem.Of(err).Members.Errors {
		pointers = append(pointers, field.Pointer)
	}
	require.ElementsMatch(t, []string{
		"/workflowType", "/workflowId", "/taskQueue", "/startSignal", "/argPayloads", "/argPayloads/0", "/executionTimeout", "/idReusePolicy",
		"/retryPolicy/maximumInterval", "/retryPolicy/maximumAttempts", "/memoPayloads", "/memoPayloads/c~1d", "/searchAttributes/e~1f",
		"/versioningOverride/pinnedVersion", "/priority/priorityKey", "/priority/fairnessKey", "/priority/fairnessWeight",
	}, pointers)
}

func TestIDFromThePathOrTheQuery(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ segment, parameter, want string }{ // want is empty if the request is invalid
		{"order", "", "order"},
		{"-", "a/b", "a/b"},
		{"-", "-", "-"},
		{"-", "", ""},
		{"order", "order", ""},
		{"", "", ""},
		{"a\x00b", "", ""},
		{"\xff", "", ""},
		{strings.Repeat("i", 1000), "", strings.Repeat("i", 1000)},
		{strings.Repeat("i", 1001), "", ""},
	} {
		id, err := ID("workflowId", test.segment, test.parameter)
		if test.want == "" {
			require.True(t, problem.Is(err, problem.InvalidRequest), "%q %q", test.segment, test.parameter)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, test.want, id)
	}
}
