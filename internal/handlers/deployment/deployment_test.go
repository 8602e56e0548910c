package deployment_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const (
	deploymentsPath = "/v1/namespaces/default/deployments"
	ordersPath      = deploymentsPath + "/orders"
	currentPath     = ordersPath + "/current-version"
	rampingPath     = ordersPath + "/ramping-version"
	managerPath     = ordersPath + "/manager"
	versionPath     = ordersPath + "/versions/2.0"
	metadataPath    = versionPath + "/metadata"
)

func versionOf(name, buildID string) *deployment.WorkerDeploymentVersion {
	return &deployment.WorkerDeploymentVersion{DeploymentName: name, BuildId: buildID}
}

func second(n int64) *timestamppb.Timestamp { return timestamppb.New(time.Unix(n, 0)) }

// respondToWrites makes the upstream respond to every write with the conflict token "next".
func respondToWrites(g *servertest.Gateway) {
	token := []byte("next")
	g.Upstream.Handle("DescribeWorkerDeployment", upstreamtest.Respond(&workflowservice.DescribeWorkerDeploymentResponse{}))
	g.Upstream.Handle("SetWorkerDeploymentCurrentVersion", upstreamtest.Respond(&workflowservice.SetWorkerDeploymentCurrentVersionResponse{ConflictToken: token}))
	g.Upstream.Handle("SetWorkerDeploymentRampingVersion", upstreamtest.Respond(&workflowservice.SetWorkerDeploymentRampingVersionResponse{ConflictToken: token}))
	g.Upstream.Handle("SetWorkerDeploymentManager", upstreamtest.Respond(&workflowservice.SetWorkerDeploymentManagerResponse{ConflictToken: token}))
	g.Upstream.Handle("DeleteWorkerDeployment", upstreamtest.Respond(&workflowservice.DeleteWorkerDeploymentResponse{}))
	g.Upstream.Handle("DeleteWorkerDeploymentVersion", upstreamtest.Respond(&workflowservice.DeleteWorkerDeploymentVersionResponse{}))
	g.Upstream.Handle("UpdateWorkerDeploymentVersionMetadata", upstreamtest.Respond(&workflowservice.UpdateWorkerDeploymentVersionMetadataResponse{}))
}

func TestADeploymentIsDescribedWithItsVersions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("DescribeWorkerDeployment", upstreamtest.Respond(&workflowservice.DescribeWorkerDeploymentResponse{
			ConflictToken: []byte{0xff, 0xfe, 1},
			WorkerDeploymentInfo: &deployment.WorkerDeploymentInfo{
				Name: "orders", CreateTime: second(1), LastModifierIdentity: "dev", ManagerIdentity: "pipeline",
				RoutingConfigUpdateState: enums.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS,
				RoutingConfig: &deployment.RoutingConfig{
					CurrentDeploymentVersion: versionOf("orders", "1.0"), CurrentVersionChangedTime: second(2),
					RampingDeploymentVersion: versionOf("orders", "2.0"), RampingVersionPercentage: 12.5, RampingVersionChangedTime: second(3),
					RampingVersionPercentageChangedTime: second(4), RevisionNumber: 9,
				},
				VersionSummaries: []*deployment.WorkerDeploymentInfo_WorkerDeploymentVersionSummary{{
					DeploymentVersion: versionOf("orders", "2.0"), Status: enums.WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING,
					CreateTime: second(5), RoutingUpdateTime: second(6), CurrentSinceTime: second(7), RampingSinceTime: second(8),
					FirstActivationTime: second(9), LastCurrentTime: second(10), LastDeactivationTime: second(11),
					DrainageInfo: &deployment.VersionDrainageInfo{
						Status: enums.VERSION_DRAINAGE_STATUS_DRAINED, LastChangedTime: second(12), LastCheckedTime: second(13),
					},
				}, {DeploymentVersion: versionOf("orders", "1.0")}},
			},
		}))
		resp := g.Do(t, http.MethodGet, ordersPath, "", servertest.Bearer(servertest.ReaderKey)...)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.Equal(t, `"__4B"`, resp.Header.Get("ETag"))
		require.JSONEq(t, `{
			"name":"orders","createTime":"1970-01-01T00:00:01Z",
			"routingConfig":{
				"currentVersion":{"deploymentName":"orders","buildId":"1.0"},"rampingVersion":{"deploymentName":"orders","buildId":"2.0"},
				"rampingVersionPercentage":12.5,"currentVersionChangedTime":"1970-01-01T00:00:02Z","rampingVersionChangedTime":"1970-01-01T00:00:03Z",
				"rampingVersionPercentageChangedTime":"1970-01-01T00:00:04Z","revisionNumber":9},
			"routingConfigUpdateState":"IN_PROGRESS","lastModifierIdentity":"dev","managerIdentity":"pipeline",
			"versions":[{
				"buildId":"2.0","status":"RAMPING","createTime":"1970-01-01T00:00:05Z","routingChangedTime":"1970-01-01T00:00:06Z",
				"currentSinceTime":"1970-01-01T00:00:07Z","rampingSinceTime":"1970-01-01T00:00:08Z","firstActivationTime":"1970-01-01T00:00:09Z",
				"lastCurrentTime":"1970-01-01T00:00:10Z","lastDeactivationTime":"1970-01-01T00:00:11Z",
				"drainage":{"status":"DRAINED","lastChangedTime":"1970-01-01T00:00:12Z","lastCheckedTime":"1970-01-01T00:00:13Z"}
			},{"buildId":"1.0"}]}`, resp.Body)
		require.Equal(t, "orders", handlerstest.OnlyRequest[*workflowservice.DescribeWorkerDeploymentRequest](t, g, "DescribeWorkerDeployment").GetDeploymentName())
	})
}

func TestDeploymentsAreListedInPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("ListWorkerDeployments", upstreamtest.Respond(&workflowservice.ListWorkerDeploymentsResponse{
			WorkerDeployments: []*workflowservice.ListWorkerDeploymentsResponse_WorkerDeploymentSummary{{
				Name: "orders", CreateTime: second(1), RoutingConfig: &deployment.RoutingConfig{},
				LatestVersionSummary: &deployment.WorkerDeploymentInfo_WorkerDeploymentVersionSummary{DeploymentVersion: versionOf("orders", "2.0")},
			}},
			NextPageToken: []byte("next"),
		}))
		const item = `{"name":"orders","createTime":"1970-01-01T00:00:01Z","routingConfig":{},"latestVersion":{"buildId":"2.0"}}`
		page := g.Do(t, http.MethodGet, deploymentsPath+"?pageSize=1", "")
		require.Equal(t, http.StatusOK, page.Status, page.Body)
		require.JSONEq(t, "["+item+"]", page.Field(t, "deployments"))
		token := page.Field(t, "nextPageToken")
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, deploymentsPath+"?pageToken="+token, "").Status)
		calls := g.Upstream.Calls("ListWorkerDeployments")
		require.Contains(t, string(calls[1].Request), "next")
		require.Equal(t, "invalid-page-token", g.Do(t, http.MethodGet, servertest.BatchesPath+"?pageToken="+token, "").Field(t, "code"))
		lines := g.Do(t, http.MethodGet, deploymentsPath+"?limit=2&pageSize=1", "", "Accept", "application/x-ndjson")
		require.Equal(t, item+"\n"+item+"\n", lines.Body)
	})
}

func TestAVersionIsDescribedWithItsTaskQueues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		stats := &taskqueue.TaskQueueStats{ApproximateBacklogCount: 3, ApproximateBacklogAge: durationpb.New(90 * time.Second), TasksAddRate: 0.5, RateLimitingActive: true}
		info := &deployment.WorkerDeploymentVersionInfo{
			DeploymentVersion: versionOf("orders", "2.0"), Status: enums.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING, CreateTime: second(1),
			RoutingChangedTime: second(2), CurrentSinceTime: second(3), RampingSinceTime: second(4), RampPercentage: 5, FirstActivationTime: second(5),
			LastCurrentTime: second(6), LastDeactivationTime: second(7), LastModifierIdentity: "dev",
			DrainageInfo: &deployment.VersionDrainageInfo{Status: enums.VERSION_DRAINAGE_STATUS_DRAINING, LastChangedTime: second(8), LastCheckedTime: second(9)},
			Metadata: &deployment.VersionMetadata{Entries: map[string]*common.Payload{
				"commit": {Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`1.10`)},
			}},
		}
		g.Upstream.Handle("DescribeWorkerDeploymentVersion", upstreamtest.Respond(&workflowservice.DescribeWorkerDeploymentVersionResponse{
			WorkerDeploymentVersionInfo: info,
			VersionTaskQueues: []*workflowservice.DescribeWorkerDeploymentVersionResponse_VersionTaskQueue{
				{Name: "q", Type: enums.TASK_QUEUE_TYPE_WORKFLOW, Stats: stats, StatsByPriorityKey: map[int32]*taskqueue.TaskQueueStats{1: {TasksDispatchRate: 2}}},
				{Name: "q", Type: enums.TASK_QUEUE_TYPE_ACTIVITY},
			},
		}))
		resp := g.Do(t, http.MethodGet, versionPath+"?reportTaskQueueStats=true", "", servertest.Bearer(servertest.ReaderKey)...)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.JSONEq(t, `{
			"deploymentName":"orders","buildId":"2.0","status":"DRAINING","createTime":"1970-01-01T00:00:01Z","routingChangedTime":"1970-01-01T00:00:02Z",
			"currentSinceTime":"1970-01-01T00:00:03Z","rampingSinceTime":"1970-01-01T00:00:04Z","rampPercentage":5,
			"firstActivationTime":"1970-01-01T00:00:05Z","lastCurrentTime":"1970-01-01T00:00:06Z","lastDeactivationTime":"1970-01-01T00:00:07Z",
			"drainage":{"status":"DRAINING","lastChangedTime":"1970-01-01T00:00:08Z","lastCheckedTime":"1970-01-01T00:00:09Z"},
			"taskQueues":[
				{"name":"q","type":"WORKFLOW",
				 "stats":{"approximateBacklogCount":3,"approximateBacklogAge":"90s","tasksAddRate":0.5,"tasksDispatchRate":0,"rateLimitingActive":true},
				 "statsByPriorityKey":{"1":{"approximateBacklogCount":0,"tasksAddRate":0,"tasksDispatchRate":2}}},
				{"name":"q","type":"ACTIVITY"}],
			"metadata":{"commit":1.10},"lastModifierIdentity":"dev"}`, resp.Body)
		require.Contains(t, resp.Body, `"commit":1.10`, "a value is returned byte for byte")
		request := handlerstest.OnlyRequest[*workflowservice.DescribeWorkerDeploymentVersionRequest](t, g, "DescribeWorkerDeploymentVersion")
		handlerstest.RequireMessage(t, `{"namespace":"default","deploymentVersion":{"deploymentName":"orders","buildId":"2.0"},"reportTaskQueueStats":true}`, request)
	})
}

func TestBuildIDsAreDecodedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		respondToWrites(g)
		for i, buildID := range []string{"a/b", "a%2Fb", "1.0:x", "ä b", "-"} {
			resp := g.Do(t, http.MethodDelete, ordersPath+"/versions/"+url.PathEscape(buildID)+"?skipDrainage=true", "")
			require.Equal(t, http.StatusNoContent, resp.Status, resp.Body)
			calls := g.Upstream.Calls("DeleteWorkerDeploymentVersion")
			require.Len(t, calls, i+1)
			require.Contains(t, string(calls[i].Request), buildID)
		}
	})
}

func TestEachWriteIsSent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ rpc, method, path, body, want string }{
		"current": {
			"SetWorkerDeploymentCurrentVersion", http.MethodPut, currentPath, `{"buildId":"2.0","ignoreMissingTaskQueues":true,"allowNoPollers":true}`,
			`{"namespace":"default","deploymentName":"orders","buildId":"2.0","identity":"writer","ignoreMissingTaskQueues":true,"allowNoPollers":true}`,
		},
		"unversioned": {
			"SetWorkerDeploymentCurrentVersion", http.MethodPut, currentPath, `{"buildId":null}`,
			`{"namespace":"default","deploymentName":"orders","identity":"writer"}`,
		},
		"ramping": {
			"SetWorkerDeploymentRampingVersion", http.MethodPut, rampingPath, `{"buildId":"2.0","percentage":12.5,"ignoreMissingTaskQueues":true,"allowNoPollers":true}`,
			`{"namespace":"default","deploymentName":"orders","buildId":"2.0","percentage":12.5,"identity":"writer","ignoreMissingTaskQueues":true,"allowNoPollers":true}`,
		},
		"end of the ramp": {
			"SetWorkerDeploymentRampingVersion", http.MethodPut, rampingPath, `{"percentage":0}`,
			`{"namespace":"default","deploymentName":"orders","identity":"writer"}`,
		},
		"manager": {
			"SetWorkerDeploymentManager", http.MethodPut, managerPath, `{"managerIdentity":"pipeline"}`,
			`{"namespace":"default","deploymentName":"orders","managerIdentity":"pipeline","identity":"writer"}`,
		},
		"no manager": {
			"SetWorkerDeploymentManager", http.MethodPut, managerPath, `{"managerIdentity":null}`,
			`{"namespace":"default","deploymentName":"orders","managerIdentity":"","identity":"writer"}`,
		},
		"metadata": {
			"UpdateWorkerDeploymentVersionMetadata", http.MethodPatch, metadataPath, `{"upsertEntries":{"n":1.10,"none":null},"removeEntries":["old"]}`,
			`{"namespace":"default","deploymentVersion":{"deploymentName":"orders","buildId":"2.0"},"removeEntries":["old"],"identity":"writer",
			"upsertEntries":{"n":{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"MS4xMA=="},"none":{"metadata":{"encoding":"YmluYXJ5L251bGw="}}}}`,
		},
		"metadata payloads": {
			"UpdateWorkerDeploymentVersionMetadata", http.MethodPatch, metadataPath, `{"upsertEntryPayloads":{"n":{"json":[]},"b":{"metadata":{"encoding":"YQ=="},"data":"AP8="}}}`,
			`{"namespace":"default","deploymentVersion":{"deploymentName":"orders","buildId":"2.0"},"identity":"writer",
			"upsertEntries":{"n":{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"W10="},"b":{"metadata":{"encoding":"YQ=="},"data":"AP8="}}}`,
		},
		"delete version": {
			"DeleteWorkerDeploymentVersion", http.MethodDelete, versionPath + "?skipDrainage=true", "",
			`{"namespace":"default","deploymentVersion":{"deploymentName":"orders","buildId":"2.0"},"skipDrainage":true,"identity":"writer"}`,
		},
		"delete": {
			"DeleteWorkerDeployment", http.MethodDelete, ordersPath, "", `{"namespace":"default","deploymentName":"orders","identity":"writer"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{})
				respondToWrites(g)
				resp := g.Do(t, test.method, test.path, test.body)
				require.Less(t, resp.Status, 300, resp.Body)
				if strings.HasPrefix(test.rpc, "Set") {
					require.Equal(t, []any{http.StatusNoContent, `"bmV4dA"`, ""}, []any{resp.Status, resp.Header.Get("ETag"), resp.Body})
				}
				handlerstest.RequireMessage(t, test.want, requestOf(t, g, test.rpc))
			})
		})
	}
}

func TestMetadataThatIsNotJSONIsReturnedWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("UpdateWorkerDeploymentVersionMetadata", upstreamtest.Respond(&workflowservice.UpdateWorkerDeploymentVersionMetadataResponse{
			Metadata: &deployment.VersionMetadata{Entries: map[string]*common.Payload{
				"n": {Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`1`)},
				"b": {Metadata: map[string][]byte{"encoding": []byte("binary/plain")}, Data: []byte{0xff}},
			}},
		}))
		resp := g.Do(t, http.MethodPatch, metadataPath, `{"removeEntries":["x"]}`)
		require.JSONEq(t, `{"metadataPayloads":{"n":{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"MQ==","json":1},
			"b":{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"/w=="}}}`, resp.Body)
	})
}

func TestServerErrorsReferToTheDeployment(t *testing.T) {
	t.Parallel()
	limits := &errordetails.ResourceExhaustedFailure{Cause: enums.RESOURCE_EXHAUSTED_CAUSE_WORKER_DEPLOYMENT_LIMITS, Scope: enums.RESOURCE_EXHAUSTED_SCOPE_NAMESPACE}
	for _, test := range []struct {
		failure      upstreamtest.Handler
		status       int
		code, detail string
	}{
		{upstreamtest.Fail(codes.NotFound, "workflow not found for ID: temporal-sys-worker-deployment:orders"), http.StatusNotFound, "deployment-not-found", "no deployment"},
		{upstreamtest.Fail(codes.NotFound, "workflow execution already completed"), http.StatusNotFound, "deployment-not-found", "no deployment"},
		{upstreamtest.Fail(codes.FailedPrecondition, "conflict token mismatch"), http.StatusPreconditionFailed, "deployment-changed", "If-Match"},
		{upstreamtest.Fail(codes.FailedPrecondition, "version '2.0' is missing task queues"), http.StatusConflict, "conflict", "missing task queues"},
		{upstreamtest.Fail(codes.ResourceExhausted, "too many versions", limits), http.StatusConflict, "conflict", "too many versions"},
		{upstreamtest.Fail(codes.Unimplemented, "unknown method"), http.StatusNotImplemented, "not-offered-by-server", "does not offer"},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			g.Upstream.Handle("SetWorkerDeploymentCurrentVersion", test.failure)
			resp := g.Do(t, http.MethodPut, currentPath, `{"buildId":"2.0"}`)
			require.Equal(t, test.status, resp.Status, resp.Body)
			require.Contains(t, resp.Field(t, "detail"), test.detail)
			require.Equal(t, test.code, resp.Field(t, "code"))
			require.NotContains(t, resp.Field(t, "detail"), "temporal-sys")
			require.Len(t, g.Upstream.Calls("SetWorkerDeploymentCurrentVersion"), 1, "a write without a request id is not retried")
		})
	}
}
