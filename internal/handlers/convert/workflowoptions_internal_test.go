package convert

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

func TestWorkflowOptionsKeepTheirValues(t *testing.T) {
	t.Parallel()
	key := int32(3)
	var v Validation
	operations := v.PostResetOperations("/updateOptions", &openapi.UpdateOptionsRequest{
		Priority: openapi.Change[openapi.Priority]{Sent: true, To: &openapi.Priority{PriorityKey: &key, FairnessKey: "tenant"}},
		VersioningOverride: openapi.Change[openapi.VersioningOverride]{Sent: true, To: &openapi.VersioningOverride{
			Behavior: "PINNED", PinnedVersion: &openapi.DeploymentVersion{DeploymentName: "orders", BuildID: "2"},
		}},
	})
	require.Empty(t, v)
	require.Len(t, operations, 1)
	update := operations[0].GetUpdateWorkflowOptions()
	require.Equal(t, []string{"versioning_override", "priority"}, update.GetUpdateMask().GetPaths())
	text, err := Marshal(WorkflowOptions(update.GetWorkflowExecutionOptions()))
	require.NoError(t, err)
	require.JSONEq(t, `{"priority":{"priorityKey":3,"fairnessKey":"tenant"},
		"versioningOverride":{"behavior":"PINNED","pinnedVersion":{"deploymentName":"orders","buildId":"2"}}}`, string(text))

	require.Empty(t, v.PostResetOperations("/updateOptions", nil))
	v.PostResetOperations("/updateOptions", &openapi.UpdateOptionsRequest{})
	require.Equal(t, "/updateOptions", v[0].Pointer)
}

func TestResetFieldsAreValidated(t *testing.T) {
	t.Parallel()
	var v Validation
	v.ResetType("/resetType", "")
	v.ResetType("/resetType", openapi.ResetTypeLastWorkflowTask)
	require.Equal(t, []enums.ResetReapplyExcludeType{enums.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL},
		v.ReapplyExclude("/reapplyExclude", openapi.ReapplyExclude{openapi.ReapplyExcludeTypeSignal}))
	require.Empty(t, v)
	v.ResetType("/resetType", "MIDDLE")
	v.ReapplyExclude("/reapplyExclude", openapi.ReapplyExclude{"", "X"})
	require.True(t, v.AtMost("/executions", 2, 2))
	require.False(t, v.AtMost("/executions", 3, 2))
	pointers := make([]string, len(v))
	for i, field := range v {
		pointers[i] = field.Pointer
	}
	require.Equal(t, []string{"/resetType", "/reapplyExclude/0", "/reapplyExclude/1", "/executions"}, pointers)
}

func TestSignalWithStartHasTheFieldsOfTheStart(t *testing.T) {
	t.Parallel()
	start := &workflowservice.StartWorkflowExecutionRequest{Namespace: "n", WorkflowId: "w", Identity: "me", RequestId: "id", CronSchedule: "@daily"}
	request, err := SignalWithStartRequest(&openapi.StartWorkflowRequest{StartSignal: "add", StartSignalArgs: []openapi.JSON{openapi.JSON(`1.10`)}}, start)
	require.NoError(t, err)
	wire, err := proto.Marshal(request) // the payloads are already encoded in the request
	require.NoError(t, err)
	require.NoError(t, proto.Unmarshal(wire, request))
	require.Equal(t, "n w me id @daily add", request.GetNamespace()+" "+request.GetWorkflowId()+" "+request.GetIdentity()+" "+
		request.GetRequestId()+" "+request.GetCronSchedule()+" "+request.GetSignalName())
	require.Equal(t, "1.10", string(request.GetSignalInput().GetPayloads()[0].GetData()))
}

func TestRunIDsAndLines(t *testing.T) {
	t.Parallel()
	require.True(t, IsRunID("0190D7a1-0000-7000-8000-0123456789ab"))
	require.False(t, IsRunID("0190D7a1-0000-7000-8000-0123456789a"))
	require.False(t, IsRunID("0190D7a1-0000-7000-8000-0123456789ag"))
	require.False(t, IsRunID("0190D7a1x0000-7000-8000-0123456789ab"))
	require.Equal(t, "{ \"a\": 1}\n", string(Line([]byte("{\n\"a\":\r1}"))))
}
