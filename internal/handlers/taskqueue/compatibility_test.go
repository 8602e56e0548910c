package taskqueue_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const (
	compatibilityPath = queuePath + "/build-id-compatibility"
	reachabilityPath  = "/v1/namespaces/default/task-reachability"
)

func TestEachBuildIDOperationIsSent(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"addNewDefault":{"buildId":"2"}}`:                                                      `"addNewBuildIdInNewDefaultSet":"2"`,
		`{"addNewCompatible":{"buildId":"2","existingCompatibleBuildId":"1"}}`:                   `"addNewCompatibleBuildId":{"newBuildId":"2","existingCompatibleBuildId":"1"}`,
		`{"addNewCompatible":{"buildId":"2","existingCompatibleBuildId":"1","promoteSet":true}}`: `"addNewCompatibleBuildId":{"newBuildId":"2","existingCompatibleBuildId":"1","makeSetDefault":true}`,
		`{"promoteSetByBuildId":{"buildId":"2"}}`:                                                `"promoteSetByBuildId":"2"`,
		`{"promoteBuildIdWithinSet":{"buildId":"2"}}`:                                            `"promoteBuildIdWithinSet":"2"`,
		`{"mergeSets":{"primaryBuildId":"2","secondaryBuildId":"1"}}`:                            `"mergeSets":{"primarySetBuildId":"2","secondarySetBuildId":"1"}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{Configure: withLimitedKey(t)})
			g.Upstream.Handle("UpdateWorkerBuildIdCompatibility", upstreamtest.Respond(&workflowservice.UpdateWorkerBuildIdCompatibilityResponse{}))
			for _, denied := range [][]string{servertest.Bearer(servertest.ReaderKey), servertest.Bearer(limitedKey)} {
				path := strings.Replace(compatibilityPath, "orders", "other", 1)
				require.Equal(t, http.StatusForbidden, g.Do(t, http.MethodPost, path, body, denied...).Status)
			}
			require.Equal(t, http.StatusNoContent, g.Do(t, http.MethodPost, compatibilityPath, body, servertest.Bearer(limitedKey)...).Status, body)
			request := handlerstest.OnlyRequest[*workflowservice.UpdateWorkerBuildIdCompatibilityRequest](t, g, "UpdateWorkerBuildIdCompatibility")
			handlerstest.RequireMessage(t, `{"namespace":"default","taskQueue":"orders",`+want+`}`, request)
		})
	}
}

func TestInvalidBuildIDRequestsMakeNoCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		synctest.Wait()
		long := strings.Repeat("x", 256)
		for _, invalid := range []struct{ method, path, body, pointer string }{
			{http.MethodPost, compatibilityPath, `{}`, ""},
			{http.MethodPost, compatibilityPath, `{"addNewDefault":{"buildId":"2"},"promoteSetByBuildId":{"buildId":"2"}}`, ""},
			{http.MethodPost, compatibilityPath, `{"addNewDefault":{"buildId":"` + long + `"}}`, "/addNewDefault/buildId"},
			{http.MethodPost, compatibilityPath, `{"addNewCompatible":{"buildId":"2"}}`, "/addNewCompatible/existingCompatibleBuildId"},
			{http.MethodPost, compatibilityPath, `{"promoteSetByBuildId":{}}`, "/promoteSetByBuildId/buildId"},
			{http.MethodPost, compatibilityPath, `{"promoteBuildIdWithinSet":{}}`, "/promoteBuildIdWithinSet/buildId"},
			{http.MethodPost, compatibilityPath, `{"mergeSets":{"primaryBuildId":"2"}}`, "/mergeSets/secondaryBuildId"},
			{http.MethodGet, compatibilityPath + "?maxSets=0", "", "?maxSets"},
			{http.MethodPost, reachabilityPath, `{}`, "/buildIds"},
			{http.MethodPost, reachabilityPath, `{"buildIds":[""]}`, "/buildIds/0"},
			{http.MethodPost, reachabilityPath, `{"buildIds":["1"],"taskQueues":["/_sys/q/1"]}`, "/taskQueues/0"},
			{http.MethodPost, reachabilityPath, `{"buildIds":["1"],"reachabilityType":"NONE"}`, "/reachabilityType"},
		} {
			resp := g.Do(t, invalid.method, invalid.path, invalid.body)
			require.Equal(t, http.StatusBadRequest, resp.Status, "%+v: %s", invalid, resp.Body)
			require.Contains(t, resp.Body, `"pointer":"`+invalid.pointer+`"`, "%+v", invalid)
		}
		require.Zero(t, g.UpstreamCalls())
	})
}

func TestAnUnknownBuildIDIsAValidationError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("UpdateWorkerBuildIdCompatibility", upstreamtest.Fail(codes.NotFound, "targeted version 3 not found"))
		resp := g.Do(t, http.MethodPost, compatibilityPath, `{"promoteSetByBuildId":{"buildId":"3"}}`)
		require.Equal(t, http.StatusBadRequest, resp.Status)
		require.Contains(t, resp.Body, `"pointer":"/promoteSetByBuildId/buildId"`)
	})
}

func TestVersionSetsHaveDefaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("GetWorkerBuildIdCompatibility", upstreamtest.Respond(&workflowservice.GetWorkerBuildIdCompatibilityResponse{
			MajorVersionSets: []*taskqueue.CompatibleVersionSet{{BuildIds: []string{"1.0", "1.1"}}, {BuildIds: []string{"2.0"}}},
		}))
		resp := g.Do(t, http.MethodGet, compatibilityPath+"?maxSets=7", "")
		require.JSONEq(t, `{"versionSets":[{"buildIds":["1.0","1.1"],"default":"1.1"},{"buildIds":["2.0"],"default":"2.0"}],"defaultBuildId":"2.0"}`, resp.Body)
		request := handlerstest.OnlyRequest[*workflowservice.GetWorkerBuildIdCompatibilityRequest](t, g, "GetWorkerBuildIdCompatibility")
		require.Equal(t, int32(7), request.GetMaxSets())
	})
}

func TestReachabilityListsQueuesThatWereNotRetrieved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("GetWorkerTaskReachability", upstreamtest.Respond(&workflowservice.GetWorkerTaskReachabilityResponse{
			BuildIdReachability: []*taskqueue.BuildIdReachability{{BuildId: "1.0", TaskQueueReachability: []*taskqueue.TaskQueueReachability{
				{TaskQueue: "a", Reachability: []enums.TaskReachability{enums.TASK_REACHABILITY_NEW_WORKFLOWS, enums.TASK_REACHABILITY_OPEN_WORKFLOWS}},
				{TaskQueue: "b"},
				{TaskQueue: "c", Reachability: []enums.TaskReachability{enums.TASK_REACHABILITY_UNSPECIFIED}},
			}}},
		}))
		resp := g.Do(t, http.MethodPost, reachabilityPath, `{"buildIds":["1.0",""],"taskQueues":["a","b","c"],"reachabilityType":"OPEN_WORKFLOWS"}`, servertest.Bearer(servertest.ReaderKey)...)
		require.JSONEq(t, `{"buildIdReachability":{"1.0":{"taskQueueReachability":{"a":["NEW_WORKFLOWS","OPEN_WORKFLOWS"],"b":[]},"unretrievedTaskQueues":["c"]}}}`, resp.Body)
		handlerstest.RequireMessage(t, `{"namespace":"default","buildIds":["1.0",""],"taskQueues":["a","b","c"],"reachability":"TASK_REACHABILITY_OPEN_WORKFLOWS"}`,
			handlerstest.OnlyRequest[*workflowservice.GetWorkerTaskReachabilityRequest](t, g, "GetWorkerTaskReachability"))
	})
}
