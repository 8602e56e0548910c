package deployment_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// requestOf returns the request of the only call of an RPC.
func requestOf(t *testing.T, g *servertest.Gateway, rpc string) proto.Message {
	t.Helper()
	calls := g.Upstream.Calls(rpc)
	require.Len(t, calls, 1)
	messageType, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("temporal.api.workflowservice.v1." + rpc + "Request"))
	require.NoError(t, err)
	request := messageType.New().Interface()
	require.NoError(t, proto.Unmarshal(calls[0].Request, request))
	return request
}

// writes are the requests that change deployments, each with a valid body.
func writes() map[string][3]string {
	return map[string][3]string{
		"SetWorkerDeploymentCurrentVersion":     {http.MethodPut, currentPath, `{"buildId":"2.0"}`},
		"SetWorkerDeploymentRampingVersion":     {http.MethodPut, rampingPath, `{"buildId":"2.0","percentage":1}`},
		"SetWorkerDeploymentManager":            {http.MethodPut, managerPath, `{"managerIdentity":"a"}`},
		"UpdateWorkerDeploymentVersionMetadata": {http.MethodPatch, metadataPath, `{"upsertEntries":{"a":1}}`},
		"DeleteWorkerDeploymentVersion":         {http.MethodDelete, versionPath, ""},
		"DeleteWorkerDeployment":                {http.MethodDelete, ordersPath, ""},
	}
}

func reads() []string { return []string{deploymentsPath, ordersPath, versionPath} }

func TestIfMatchSendsTheConflictToken(t *testing.T) {
	t.Parallel()
	for _, rpc := range []string{"SetWorkerDeploymentCurrentVersion", "SetWorkerDeploymentRampingVersion", "SetWorkerDeploymentManager"} {
		write := writes()[rpc]
		for header, token := range map[string]string{`"bmV4dA"`: "next", `"__4B"`: "\xff\xfe\x01", `*`: ""} {
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{})
				respondToWrites(g)
				resp := g.Do(t, write[0], write[1], write[2], "If-Match", header)
				require.Equal(t, http.StatusNoContent, resp.Status, resp.Body)
				request, ok := requestOf(t, g, rpc).(interface{ GetConflictToken() []byte })
				require.True(t, ok)
				require.Equal(t, token, string(request.GetConflictToken()))
			})
		}
	}
}

// The server creates a deployment that does not exist, whatever the token of the request is.
func TestIfMatchCreatesNoDeployment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		respondToWrites(g)
		g.Upstream.Handle("DescribeWorkerDeployment", upstreamtest.Fail(codes.NotFound, "no Worker Deployment found with name 'orders'"))
		for _, rpc := range []string{"SetWorkerDeploymentCurrentVersion", "SetWorkerDeploymentRampingVersion", "SetWorkerDeploymentManager"} {
			write := writes()[rpc]
			for _, header := range []string{`"bmV4dA"`, `*`} {
				resp := g.Do(t, write[0], write[1], write[2], "If-Match", header)
				require.Equal(t, []any{http.StatusNotFound, "deployment-not-found"}, []any{resp.Status, resp.Field(t, "code")}, resp.Body)
			}
			require.Empty(t, g.Upstream.Calls(rpc))
		}
	})
}

// The server makes no comparison with an empty token. So a tag that contains none must not be sent.
func TestATagThatTheGatewayHasNotMadeMatchesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		respondToWrites(g)
		for _, rpc := range []string{"SetWorkerDeploymentCurrentVersion", "SetWorkerDeploymentRampingVersion", "SetWorkerDeploymentManager"} {
			write := writes()[rpc]
			for _, header := range []string{`""`, `"="`, `"bmV4dA=="`, `"bmV4dB"`, `"not base64"`, `W/"bmV4dA"`, `W/""`} {
				resp := g.Do(t, write[0], write[1], write[2], "If-Match", header)
				require.Equal(t, []any{http.StatusPreconditionFailed, "deployment-changed"}, []any{resp.Status, resp.Field(t, "code")}, header)
			}
			for _, header := range []string{``, `bmV4dA`, `"a", "b"`, `"bmV4dA`, `w/"bmV4dA"`, `"*`} {
				resp := g.Do(t, write[0], write[1], write[2], "If-Match", header)
				require.Equal(t, []any{http.StatusBadRequest, "invalid-request"}, []any{resp.Status, resp.Field(t, "code")}, header)
			}
		}
		require.Zero(t, g.UpstreamCalls())
	})
}

func TestInvalidRequestsAreNotSent(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 481)
	for _, test := range []struct{ method, path, body, pointer string }{
		{http.MethodPut, currentPath, `{"buildId":""}`, "/buildId"},
		{http.MethodPut, currentPath, `{"buildId":"__unversioned__"}`, "/buildId"},
		{http.MethodPut, currentPath, `{"buildId":"` + long + `"}`, "/buildId"},
		{http.MethodPut, currentPath, `{"buildId":"a\u0000"}`, "/buildId"},
		{http.MethodPut, currentPath, `{"buildId":7}`, "/buildId"},
		{http.MethodPut, currentPath, `{"buildID":"2.0"}`, "/buildID"},
		{http.MethodPut, currentPath, ``, ""},
		{http.MethodPut, currentPath, `[]`, ""},
		{http.MethodPut, rampingPath, `{}`, "/percentage"},
		{http.MethodPut, rampingPath, `{"buildId":"2.0"}`, "/percentage"},
		{http.MethodPut, rampingPath, `{"buildId":"2.0","percentage":null}`, "/percentage"},
		{http.MethodPut, rampingPath, `{"buildId":"2.0","percentage":100.1}`, "/percentage"},
		{http.MethodPut, rampingPath, `{"buildId":"2.0","percentage":-1}`, "/percentage"},
		{http.MethodPut, rampingPath, `{"buildId":"2.0","percentage":1e400}`, "/percentage"},
		{http.MethodPut, rampingPath, `{"buildId":"","percentage":1}`, "/buildId"},
		{http.MethodPut, managerPath, `{}`, "/managerIdentity"},
		{http.MethodPut, managerPath, `{"managerIdentity":""}`, "/managerIdentity"},
		{http.MethodPatch, metadataPath, `{}`, ""},
		{http.MethodPatch, metadataPath, `{"upsertEntries":{"a":1},"upsertEntryPayloads":{"b":{"json":1}}}`, "/upsertEntryPayloads"},
		{http.MethodPatch, metadataPath, `{"upsertEntryPayloads":{"a/b":{}}}`, "/upsertEntryPayloads/a~1b"},
		{http.MethodPatch, metadataPath, `{"upsertEntries":{"a":1},"removeEntries":["b","a"]}`, "/removeEntries/1"},
		{http.MethodPatch, metadataPath, `{"removeEntries":["` + strings.Repeat(`a","`, 1000) + `b"]}`, "/removeEntries"},
		{http.MethodGet, deploymentsPath + "/a.b", "", "name"},
		{http.MethodGet, deploymentsPath + "/a:b", "", "name"},
		{http.MethodGet, deploymentsPath + "/__a", "", "name"},
		{http.MethodGet, deploymentsPath + "/" + long, "", "name"},
		{http.MethodGet, deploymentsPath + "/a%00", "", ""},
		{http.MethodDelete, deploymentsPath + "/a.b", "", "name"},
		{http.MethodPut, deploymentsPath + "/a.b/current-version", `{"buildId":"2.0"}`, "name"},
		{http.MethodPut, deploymentsPath + "/a:b/ramping-version", `{"percentage":0}`, "name"},
		{http.MethodPut, deploymentsPath + "/a:b/manager", `{"managerIdentity":null}`, "name"},
		{http.MethodGet, deploymentsPath + "/a.b/versions/c", "", "name"},
		{http.MethodDelete, deploymentsPath + "/a:b/versions/c", "", "name"},
		{http.MethodPatch, deploymentsPath + "/a:b/versions/c/metadata", `{"removeEntries":["a"]}`, "name"},
		{http.MethodGet, ordersPath + "/versions/__c", "", "buildId"},
		{http.MethodGet, versionPath + "?reportTaskQueueStats=maybe", "", "?reportTaskQueueStats"},
		{http.MethodDelete, versionPath + "?skipdrainage=true", "", "?skipdrainage"},
		{http.MethodGet, deploymentsPath + "?query=a", "", "?query"},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			respondToWrites(g)
			resp := g.Do(t, test.method, test.path, test.body)
			require.Equal(t, http.StatusBadRequest, resp.Status, "%s %s %s", test.path, test.body, resp.Body)
			if test.pointer != "" {
				require.Contains(t, resp.Body, `"pointer":"`+test.pointer+`"`)
			}
			require.Zero(t, g.UpstreamCalls())
		})
	}
}

func TestAllErrorsOfARequestAreReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		resp := g.Do(t, http.MethodPut, deploymentsPath+"/a.b/ramping-version", `{"buildId":"","percentage":101}`)
		for _, pointer := range []string{"name", "/buildId", "/percentage"} {
			require.Contains(t, resp.Body, `"pointer":"`+pointer+`"`)
		}
	})
}

func TestABodyThatIsTooLargeIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Limits.MaxBodyBytes = 1024 }})
		for rpc, write := range writes() {
			if write[2] == "" {
				continue
			}
			resp := g.Do(t, write[0], write[1], `{"a":"`+strings.Repeat("x", 1024)+`"}`)
			require.Equal(t, []any{http.StatusRequestEntityTooLarge, "payload-too-large"}, []any{resp.Status, resp.Field(t, "code")}, rpc)
			resp = g.Do(t, write[0], write[1], write[2], "Content-Type", "text/plain")
			require.Equal(t, http.StatusUnsupportedMediaType, resp.Status, rpc)
		}
		require.Zero(t, g.UpstreamCalls())
	})
}

func TestAccessToDeployments(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		respondToWrites(g)
		delegated := servertest.Bearer(g.CreateDelegatedToken(t, `{"read":true,"signals":["approve"],"updates":["addItem"]}`))
		before := g.UpstreamCalls()
		for rpc, write := range writes() {
			resp := g.Do(t, write[0], write[1], write[2], servertest.Bearer(servertest.ReaderKey)...)
			require.Equal(t, []any{http.StatusForbidden, "operation-forbidden"}, []any{resp.Status, resp.Field(t, "code")}, rpc)
			resp = g.Do(t, write[0], write[1], write[2], delegated...)
			require.Equal(t, []any{http.StatusForbidden, "operation-forbidden"}, []any{resp.Status, resp.Field(t, "code")}, rpc)
			resp = g.Do(t, write[0], strings.Replace(write[1], "/default/", "/other/", 1), write[2])
			require.Equal(t, []any{http.StatusForbidden, "namespace-forbidden"}, []any{resp.Status, resp.Field(t, "code")}, rpc)
		}
		for _, path := range reads() {
			resp := g.Do(t, http.MethodGet, path, "", delegated...)
			require.Equal(t, []any{http.StatusForbidden, "operation-forbidden"}, []any{resp.Status, resp.Field(t, "code")}, path)
			resp = g.Do(t, http.MethodGet, strings.Replace(path, "/default/", "/other/", 1), "")
			require.Equal(t, []any{http.StatusForbidden, "namespace-forbidden"}, []any{resp.Status, resp.Field(t, "code")}, path)
			require.Equal(t, http.StatusUnauthorized, servertest.Request{Path: path, Anonymous: true}.Send(t, g).Status)
		}
		require.Equal(t, before, g.UpstreamCalls())
	})
}

// For these writes, the server starts a workflow of its own, whose type and task queue the key cannot allow. Deleting
// starts nothing.
func TestLimitedKeysDoNotRouteWorkflows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			keys, err := os.ReadFile(cfg.Auth.APIKeys.File)
			require.NoError(t, err)
			limited := strings.Replace(string(keys), "{id: writer,", "{id: writer, taskQueues: [orders],", 1)
			require.NotEqual(t, string(keys), limited)
			require.NoError(t, os.WriteFile(cfg.Auth.APIKeys.File, []byte(limited), 0o600))
		}})
		respondToWrites(g)
		for rpc, write := range writes() {
			resp := g.Do(t, write[0], write[1], write[2])
			if strings.HasPrefix(rpc, "Delete") {
				require.Equal(t, http.StatusNoContent, resp.Status, resp.Body)
				require.Len(t, g.Upstream.Calls(rpc), 1)
				continue
			}
			require.Equal(t, []any{http.StatusForbidden, "operation-forbidden"}, []any{resp.Status, resp.Field(t, "code")}, rpc)
			require.Empty(t, g.Upstream.Calls(rpc))
		}
	})
}

func TestADrainingReplicaRejectsDeploymentRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: servertest.WithDrain})
		respondToWrites(g)
		g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Hang) // a request in flight keeps the gateway from exiting
		go func() { _, _ = g.Send(t.Context(), http.MethodGet, servertest.WorkflowsPath+":count", "") }()
		synctest.Wait()
		calls := g.UpstreamCalls()
		g.Stop()
		time.Sleep(6 * time.Second) // longer than the drain delay
		for rpc, write := range writes() {
			resp := g.Do(t, write[0], write[1], write[2])
			require.Equal(t, []any{http.StatusServiceUnavailable, "draining"}, []any{resp.Status, resp.Field(t, "code")}, rpc)
		}
		require.Equal(t, calls, g.UpstreamCalls())
		require.NoError(t, <-g.Done)
	})
}

func TestWritesAreAudited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		respondToWrites(g)
		for rpc, write := range writes() {
			require.Less(t, g.Do(t, write[0], write[1], write[2]).Status, 300)
			require.Contains(t, g.Log.String(), rpc)
		}
	})
}

func TestPathsAreEscaped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		respondToWrites(g)
		resp := g.Do(t, http.MethodDelete, deploymentsPath+"/"+url.PathEscape("a/ä b"), "")
		require.Equal(t, http.StatusNoContent, resp.Status, resp.Body)
		require.Equal(t, "a/ä b", handlerstest.OnlyRequest[*workflowservice.DeleteWorkerDeploymentRequest](t, g, "DeleteWorkerDeployment").GetDeploymentName())
	})
}
