package load

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRunsAreCountedOnceThoughTwoPagesHaveThem(t *testing.T) {
	t.Parallel()
	runs, err := countRuns([]byte(`{"workflowId":"a","runId":"1","status":"RUNNING"}
{"workflowId":"b","runId":"2","status":"COMPLETED"}
{"workflowId":"a","runId":"1","status":"COMPLETED"}
{"workflowId":"b","runId":"3","status":"COMPLETED"}
`))
	require.NoError(t, err)
	require.Equal(t, map[string]int{"a": 1, "b": 2}, runs)
}
