package workflow_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// Each option of the SDKs' start_workflow is sent in the corresponding protobuf field.
func TestStartSendsEveryOption(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		temporalfake.NewWorkflow(g.Upstream)
		resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath, `{"workflowType":"Order","workflowId":"o-1","taskQueue":"orders","args":[1],
			"executionTimeout":"3h","runTimeout":"2h","taskTimeout":"20s","idReusePolicy":"REJECT_DUPLICATE","idConflictPolicy":"USE_EXISTING",
			"retryPolicy":{"initialInterval":"2s","backoffCoefficient":3,"maximumInterval":"1m","maximumAttempts":4,"nonRetryableErrorTypes":["Broken"]},
			"cronSchedule":"0 5 * * 1","memo":{"k":"v"},"searchAttributes":{"CustomerId":{"type":"Keyword","value":"c-1"}},
			"staticSummary":"sum","staticDetails":"det","priority":{"priorityKey":2,"fairnessKey":"f","fairnessWeight":1.5},
			"versioningOverride":{"behavior":"PINNED","pinnedVersion":{"deploymentName":"d","buildId":"b"}},"requestEagerStart":true}`)
		require.Less(t, resp.Status, http.StatusMultipleChoices, resp.Body)
		var sent workflowservice.StartWorkflowExecutionRequest
		require.NoError(t, proto.Unmarshal(g.Upstream.Calls("StartWorkflowExecution")[0].Request, &sent))
		require.Equal(t, []string{"default", "o-1", "Order", "orders", "writer"},
			[]string{sent.GetNamespace(), sent.GetWorkflowId(), sent.GetWorkflowType().GetName(), sent.GetTaskQueue().GetName(), sent.GetIdentity()})
		require.Equal(t, []time.Duration{3 * time.Hour, 2 * time.Hour, 20 * time.Second}, []time.Duration{
			sent.GetWorkflowExecutionTimeout().AsDuration(), sent.GetWorkflowRunTimeout().AsDuration(), sent.GetWorkflowTaskTimeout().AsDuration(),
		})
		require.Equal(t, enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, sent.GetWorkflowIdReusePolicy())
		require.Equal(t, enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, sent.GetWorkflowIdConflictPolicy())
		retry := sent.GetRetryPolicy()
		require.Equal(t, []any{2 * time.Second, 3.0, time.Minute, int32(4), []string{"Broken"}}, []any{
			retry.GetInitialInterval().AsDuration(), retry.GetBackoffCoefficient(), retry.GetMaximumInterval().AsDuration(),
			retry.GetMaximumAttempts(), retry.GetNonRetryableErrorTypes(),
		})
		require.Equal(t, "0 5 * * 1", sent.GetCronSchedule())
		require.Equal(t, `"v"`, string(sent.GetMemo().GetFields()["k"].GetData()))
		require.Equal(t, `"c-1"`, string(sent.GetSearchAttributes().GetIndexedFields()["CustomerId"].GetData()))
		require.Equal(t, []string{`"sum"`, `"det"`},
			[]string{string(sent.GetUserMetadata().GetSummary().GetData()), string(sent.GetUserMetadata().GetDetails().GetData())})
		require.Equal(t, []any{int32(2), "f", float32(1.5)}, []any{
			sent.GetPriority().GetPriorityKey(), sent.GetPriority().GetFairnessKey(), sent.GetPriority().GetFairnessWeight(),
		})
		pinned := sent.GetVersioningOverride().GetPinned().GetVersion()
		require.Equal(t, []string{"d", "b"}, []string{pinned.GetDeploymentName(), pinned.GetBuildId()})
		require.False(t, sent.GetRequestEagerExecution(), "the gateway hosts no worker")
		require.NotEmpty(t, sent.GetRequestId())
	})
}

func TestStartReportsARunThatAlreadyExists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("StartWorkflowExecution", upstreamtest.Respond(&workflowservice.StartWorkflowExecutionResponse{
			RunId: temporalfake.RunID, FirstExecutionRunId: handlerstest.NewRunID,
		}))
		resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(`"idConflictPolicy":"USE_EXISTING"`))
		require.Equal(t, http.StatusOK, resp.Status)
		require.JSONEq(t, `{"workflowId":"w","runId":"`+temporalfake.RunID+`","firstExecutionRunId":"`+handlerstest.NewRunID+`","started":false}`, resp.Body)
		require.Equal(t, servertest.WorkflowsPath+"/w?runId="+temporalfake.RunID, resp.Header.Get("Location"))
	})
}

func TestSignalWithStartSendsTheSignal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("SignalWithStartWorkflowExecution", upstreamtest.Respond(&workflowservice.SignalWithStartWorkflowExecutionResponse{
			RunId: temporalfake.RunID, Started: true,
		}))
		resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(`"startSignal":"go","startSignalArgs":[1.0]`))
		require.Equal(t, http.StatusCreated, resp.Status, resp.Body)
		sent := handlerstest.OnlyRequest[*workflowservice.SignalWithStartWorkflowExecutionRequest](t, g, "SignalWithStartWorkflowExecution")
		require.Equal(t, []string{"w", "T", "go", "1.0"}, []string{
			sent.GetWorkflowId(), sent.GetWorkflowType().GetName(), sent.GetSignalName(), string(sent.GetSignalInput().GetPayloads()[0].GetData()),
		})
		require.Empty(t, g.Upstream.Calls("StartWorkflowExecution"))
		require.Equal(t, []string{"/startSignalArgPayloads"}, handlerstest.Pointers(t,
			g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(`"startSignal":"go","startSignalArgs":[1],"startSignalArgPayloads":[{"json":1}]`))))
	})
}

// A wait that times out returns the URL at which it continues, with its options.
func TestAStartThatWaitsReturnsThePathToContinueAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		temporalfake.NewWorkflow(g.Upstream)
		resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"?wait=3s&followRuns=false&followReset=true&failureStatus=422", servertest.StartBody(""))
		require.Equal(t, http.StatusAccepted, resp.Status, resp.Body)
		require.Equal(t, "1", resp.Header.Get("Retry-After"))
		location, err := url.Parse(resp.Header.Get("Location"))
		require.NoError(t, err)
		require.Equal(t, servertest.WorkflowsPath+"/w/result", location.Path)
		require.Equal(t, url.Values{
			"runId": {temporalfake.RunID}, "followRuns": {"false"}, "followReset": {"true"}, "failureStatus": {"422"},
		}, location.Query())
		for query, pointer := range map[string]string{"?wait=x": "?wait", "?failureStatus=500": "?failureStatus"} {
			for _, request := range [][3]string{{http.MethodPost, servertest.WorkflowsPath, servertest.StartBody("")}, {http.MethodGet, servertest.ResultPath, ""}} {
				require.Equal(t, []string{pointer}, handlerstest.Pointers(t, g.Do(t, request[0], request[1]+query, request[2])))
			}
		}
	})
}

// With failureStatus, a failure has that status.
func TestAFailureHasTheRequestedStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		c := temporalfake.NewRunChain(g.Upstream)
		c.Terminate()
		for query, status := range map[string]int{"": http.StatusOK, "?failureStatus=422": http.StatusUnprocessableEntity, "?wait=1s&failureStatus=422": http.StatusUnprocessableEntity} {
			resp := g.Do(t, http.MethodGet, servertest.ResultPath+query, "")
			require.Equal(t, []any{status, "TERMINATED"}, []any{resp.Status, resp.Field(t, "status")}, resp.Body)
		}
	})
}
