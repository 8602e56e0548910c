package convert

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

func TestEnumValuesHaveTheNamesOfTheSDKs(t *testing.T) {
	t.Parallel()
	require.Equal(t, "TIMED_OUT", EnumName(enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT))
	require.Empty(t, EnumName(enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED))
	require.Equal(t, "4711", EnumName(enums.WorkflowExecutionStatus(4711)), "newer than the gateway")
	policy, ok := enumValue[enums.WorkflowIdReusePolicy]("REJECT_DUPLICATE")
	require.True(t, ok)
	require.Equal(t, enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, policy)
	for _, name := range []string{"reject_duplicate", "WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE", "1", "X"} {
		_, ok := enumValue[enums.WorkflowIdReusePolicy](name)
		require.False(t, ok, name)
	}
}

// Every value of these protobuf enums must be a value of the generated type.
func TestOpenAPIEnumsHaveEveryValue(t *testing.T) {
	t.Parallel()
	for number := range enums.WorkflowIdReusePolicy_name {
		if value := enums.WorkflowIdReusePolicy(number); number != 0 {
			require.True(t, openapi.WorkflowIDReusePolicy(EnumName(value)).Valid(), value)
		}
	}
	for number := range enums.WorkflowIdConflictPolicy_name {
		if value := enums.WorkflowIdConflictPolicy(number); number != 0 {
			require.True(t, openapi.WorkflowIDConflictPolicy(EnumName(value)).Valid(), value)
		}
	}
	for number := range enums.QueryRejectCondition_name {
		if value := enums.QueryRejectCondition(number); number != 0 {
			require.True(t, openapi.QueryRejectCondition(EnumName(value)).Valid(), value)
		}
	}
}
