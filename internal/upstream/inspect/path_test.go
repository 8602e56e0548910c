package inspect_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/upstream/inspect"
)

// The requests of most writes have the id of what they are about. The others have only a
// task token or a namespace.
func TestMostWritesHaveAResource(t *testing.T) {
	t.Parallel()
	var without []string
	for method, access := range auth.AccessTable() {
		if access.Role > auth.RoleRead && !inspect.NamesResource(compiled[method]) {
			without = append(without, method[strings.LastIndex(method, "/")+1:])
		}
	}
	t.Logf("writes without a resource: %d %v", len(without), without)
	require.NotContains(t, without, "StartWorkflowExecution")
	require.NotContains(t, without, "ExecuteMultiOperation")
	require.NotContains(t, without, "CreateSchedule")
	require.NotContains(t, without, "UpdateWorkflowExecution")
	require.Less(t, len(without), 30)
}
