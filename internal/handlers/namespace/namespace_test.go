package namespace_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/replication/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const (
	namespacesPath = "/v1/namespaces"
	defaultPath    = namespacesPath + "/default"
	attributesPath = defaultPath + "/search-attributes"
	registerBody   = `{"name":"default","retention":"72h"}`
)

// start starts a gateway with RootKey and OtherNamespacesKey, and an upstream that responds to all RPCs about namespaces.
func start(t *testing.T, changes ...func(*config.Config)) *servertest.Gateway {
	t.Helper()
	g := servertest.Start(t, servertest.Options{Configure: servertest.Apply(append(changes, servertest.WithTemporalKeys(t))...)})
	g.Upstream.Handle("DescribeNamespace", upstreamtest.Respond(description("default")))
	g.Upstream.Handle("ListNamespaces", upstreamtest.Respond(&workflowservice.ListNamespacesResponse{
		Namespaces: []*workflowservice.DescribeNamespaceResponse{description("default"), description("orders")}, NextPageToken: []byte("next"),
	}))
	g.Upstream.Handle("UpdateNamespace", upstreamtest.Respond(&workflowservice.UpdateNamespaceResponse{
		NamespaceInfo: description("default").GetNamespaceInfo(), Config: description("default").GetConfig(), IsGlobalNamespace: true,
	}))
	g.Upstream.Handle("RegisterNamespace", upstreamtest.Respond(&workflowservice.RegisterNamespaceResponse{}))
	g.Upstream.Handle("ListSearchAttributes", upstreamtest.Respond(&operatorservice.ListSearchAttributesResponse{
		CustomAttributes: map[string]enums.IndexedValueType{"CustomerId": enums.INDEXED_VALUE_TYPE_KEYWORD, "Tags": enums.INDEXED_VALUE_TYPE_KEYWORD_LIST},
		SystemAttributes: map[string]enums.IndexedValueType{"StartTime": enums.INDEXED_VALUE_TYPE_DATETIME},
	}))
	g.Upstream.Handle("AddSearchAttributes", upstreamtest.Respond(&operatorservice.AddSearchAttributesResponse{}))
	g.Upstream.Handle("RemoveSearchAttributes", upstreamtest.Respond(&operatorservice.RemoveSearchAttributesResponse{}))
	return g
}

func root() []string { return servertest.Bearer(servertest.RootKey) }

func description(name string) *workflowservice.DescribeNamespaceResponse {
	return &workflowservice.DescribeNamespaceResponse{
		NamespaceInfo: &namespace.NamespaceInfo{
			Name: name, Id: "an-id", State: enums.NAMESPACE_STATE_REGISTERED, Description: "d", OwnerEmail: "a@b.example",
			Data: map[string]string{"k": "v"}, Capabilities: &namespace.NamespaceInfo_Capabilities{WorkflowPause: true},
			Limits: &namespace.NamespaceInfo_Limits{BlobSizeLimitError: 1, MemoSizeLimitError: 2, WorkflowTaskCompletionSizeLimitError: 3}, SupportsSchedules: true,
		},
		Config: &namespace.NamespaceConfig{
			WorkflowExecutionRetentionTtl: durationpb.New(72 * time.Hour), HistoryArchivalState: enums.ARCHIVAL_STATE_ENABLED, HistoryArchivalUri: "s3://h",
			VisibilityArchivalState: enums.ARCHIVAL_STATE_DISABLED, VisibilityArchivalUri: "s3://v", CustomSearchAttributeAliases: map[string]string{"Keyword01": "CustomerId"},
		},
		ReplicationConfig: &replication.NamespaceReplicationConfig{
			ActiveClusterName: "active", Clusters: []*replication.ClusterReplicationConfig{{ClusterName: "active"}}, State: enums.REPLICATION_STATE_NORMAL,
		},
		FailoverVersion: 4, IsGlobalNamespace: true,
	}
}

func TestANamespaceIsDescribed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		resp := g.Do(t, http.MethodGet, defaultPath, "", servertest.Bearer(servertest.ReaderKey)...)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.Contains(t, resp.Field(t, "capabilities"), `"workflowPause":true`)
		require.Contains(t, resp.Field(t, "capabilities"), `"standaloneActivities":false`)
		for name, want := range map[string]string{
			"name": "default", "id": "an-id", "state": "REGISTERED", "description": "d", "ownerEmail": "a@b.example", "retention": "259200s",
			"historyArchivalState": "ENABLED", "historyArchivalUri": "s3://h", "visibilityArchivalState": "DISABLED", "visibilityArchivalUri": "s3://v",
			"failoverVersion": "4", "isGlobalNamespace": "true", "supportsSchedules": "true",
		} {
			require.Equal(t, want, resp.Field(t, name), name)
		}
		for name, want := range map[string]string{
			"data": `{"k":"v"}`, "customSearchAttributeAliases": `{"Keyword01":"CustomerId"}`,
			"limits":            `{"blobSizeLimitError":1,"memoSizeLimitError":2,"workflowTaskCompletionSizeLimitError":3}`,
			"replicationConfig": `{"activeClusterName":"active","clusters":[{"clusterName":"active"}],"state":"NORMAL"}`,
		} {
			require.JSONEq(t, want, resp.Field(t, name), name)
		}
	})
}

func TestNamespacesAreListedInPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		page := g.Do(t, http.MethodGet, namespacesPath+"?pageSize=2", "", root()...)
		require.Equal(t, http.StatusOK, page.Status, page.Body)
		require.Contains(t, page.Field(t, "namespaces"), `"name":"orders"`)
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, namespacesPath+"?pageToken="+page.Field(t, "nextPageToken"), "", root()...).Status)
		lines := g.Do(t, http.MethodGet, namespacesPath+"?limit=3&pageSize=2", "", append(root(), "Accept", "application/x-ndjson")...)
		require.Equal(t, 3, strings.Count(lines.Body, "\n"), lines.Body)
	})
}

func TestANamespaceIsRegistered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		resp := g.Do(t, http.MethodPost, namespacesPath, `{"name":"default","retention":"72h","description":"d","ownerEmail":"a@b.example","data":{"k":"v"},
			"historyArchivalState":"ENABLED","historyArchivalUri":"s3://h","visibilityArchivalState":"DISABLED","visibilityArchivalUri":"s3://v"}`, root()...)
		require.Equal(t, http.StatusCreated, resp.Status, resp.Body)
		require.Equal(t, defaultPath, resp.Header.Get("Location"))
		require.JSONEq(t, `{"name":"default"}`, resp.Body)
		handlerstest.RequireMessage(t, `{"namespace":"default","workflowExecutionRetentionPeriod":"259200s","description":"d","ownerEmail":"a@b.example","data":{"k":"v"},
			"historyArchivalState":"ARCHIVAL_STATE_ENABLED","historyArchivalUri":"s3://h","visibilityArchivalState":"ARCHIVAL_STATE_DISABLED","visibilityArchivalUri":"s3://v"}`,
			handlerstest.OnlyRequest[*workflowservice.RegisterNamespaceRequest](t, g, "RegisterNamespace"))
		require.Contains(t, g.Log.String(), "RegisterNamespace")
		g.Upstream.Handle("RegisterNamespace", upstreamtest.Fail(codes.AlreadyExists, `Namespace "default" already exists`, &errordetails.NamespaceAlreadyExistsFailure{}))
		resp = g.Do(t, http.MethodPost, namespacesPath, registerBody, root()...)
		require.Equal(t, []any{http.StatusConflict, "namespace-already-exists"}, []any{resp.Status, resp.Field(t, "code")})
	})
}

// OtherNamespacesKey has the role admin on "elsewhere" and on "default-*".
func TestAKeyRegistersOnlyNamespacesThatItsGrantsCover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		other := servertest.Bearer(servertest.OtherNamespacesKey)
		for name, status := range map[string]int{"elsewhere": http.StatusCreated, "default-2": http.StatusCreated, "default": http.StatusForbidden, "temporal-system": http.StatusForbidden} {
			before := len(g.Upstream.Calls("RegisterNamespace"))
			resp := g.Do(t, http.MethodPost, namespacesPath, `{"name":"`+name+`","retention":"72h"}`, other...)
			require.Equal(t, status, resp.Status, resp.Body)
			if status == http.StatusForbidden {
				require.Equal(t, "namespace-forbidden", resp.Field(t, "code"))
				require.Len(t, g.Upstream.Calls("RegisterNamespace"), before)
			}
		}
	})
}

func TestSettingsAreUpdated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		resp := g.Do(t, http.MethodPatch, defaultPath, `{"description":"two","data":{"a":"b"},"retention":"48h"}`, root()...)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.Equal(t, []string{"default", "259200s", "true"}, []string{resp.Field(t, "name"), resp.Field(t, "retention"), resp.Field(t, "isGlobalNamespace")})
		handlerstest.RequireMessage(t, `{"namespace":"default","updateInfo":{"description":"two","data":{"a":"b"}},"config":{"workflowExecutionRetentionTtl":"172800s"}}`,
			handlerstest.OnlyRequest[*workflowservice.UpdateNamespaceRequest](t, g, "UpdateNamespace"))
	})
}

func TestSearchAttributesAreListedAddedAndRemoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		resp := g.Do(t, http.MethodGet, attributesPath, "", servertest.Bearer(servertest.ReaderKey)...)
		require.JSONEq(t, `{"customAttributes":{"CustomerId":"Keyword","Tags":"KeywordList"},"systemAttributes":{"StartTime":"Datetime"}}`, resp.Body)
		resp = g.Do(t, http.MethodPost, attributesPath, `{"attributes":{"Items":"Int","CustomerId":"Keyword"}}`, root()...)
		require.Equal(t, http.StatusNoContent, resp.Status, resp.Body)
		require.Equal(t, map[string]enums.IndexedValueType{"Items": enums.INDEXED_VALUE_TYPE_INT, "CustomerId": enums.INDEXED_VALUE_TYPE_KEYWORD},
			handlerstest.OnlyRequest[*operatorservice.AddSearchAttributesRequest](t, g, "AddSearchAttributes").GetSearchAttributes())
		resp = g.Do(t, http.MethodPost, attributesPath, `{"attributes":{"CustomerId":"Int"}}`, root()...)
		require.Equal(t, []any{http.StatusConflict, "conflict"}, []any{resp.Status, resp.Field(t, "code")})
		require.Len(t, g.Upstream.Calls("AddSearchAttributes"), 1)

		resp = g.Do(t, http.MethodDelete, attributesPath+"/Nothing", "", root()...)
		require.Equal(t, []any{http.StatusNotFound, "search-attribute-not-found"}, []any{resp.Status, resp.Field(t, "code")})
		require.Equal(t, http.StatusBadRequest, g.Do(t, http.MethodDelete, attributesPath+"/StartTime", "", root()...).Status)
		require.Equal(t, http.StatusNoContent, g.Do(t, http.MethodDelete, attributesPath+"/CustomerId", "", root()...).Status)
		require.Equal(t, []string{"CustomerId"}, handlerstest.OnlyRequest[*operatorservice.RemoveSearchAttributesRequest](t, g, "RemoveSearchAttributes").GetSearchAttributes())
	})
}

func TestInvalidRequestsAreNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		many := make([]string, 101)
		for i := range many {
			many[i] = `"` + strings.Repeat("a", i+1) + `":"Int"`
		}
		for _, test := range []struct{ method, path, body, pointer string }{
			{http.MethodPost, namespacesPath, ``, ""},
			{http.MethodPost, namespacesPath, `{}`, "/name"},
			{http.MethodPost, namespacesPath, `{"name":"default"}`, "/retention"},
			{http.MethodPost, namespacesPath, `{"name":"default","retention":"30d"}`, "/retention"},
			{http.MethodPost, namespacesPath, `{"name":"default","retention":"0s"}`, "/retention"},
			{http.MethodPost, namespacesPath, `{"name":"a*","retention":"72h"}`, "/name"},
			{http.MethodPost, namespacesPath, `{"name":"a:admin","retention":"72h"}`, "/name"},
			{http.MethodPost, namespacesPath, `{"name":"..","retention":"72h"}`, "/name"},
			{http.MethodPost, namespacesPath, `{"name":"a\n","retention":"72h"}`, "/name"},
			{http.MethodPost, namespacesPath, `{"name":"` + strings.Repeat("a", 256) + `","retention":"72h"}`, "/name"},
			{http.MethodPost, namespacesPath, `{"name":"default","retention":"72h","historyArchivalState":"ON"}`, "/historyArchivalState"},
			{http.MethodPost, namespacesPath, `{"name":"default","retention":"72h","clusters":[]}`, "/clusters"},
			{http.MethodPatch, defaultPath, `{}`, ""},
			{http.MethodPatch, defaultPath, `{"description":""}`, "/description"},
			{http.MethodPatch, defaultPath, `{"ownerEmail":null}`, "/ownerEmail"},
			{http.MethodPatch, defaultPath, `{"retention":"-1h"}`, "/retention"},
			{http.MethodPatch, defaultPath, `{"name":"other"}`, "/name"},
			{http.MethodPost, attributesPath, `{"attributes":{}}`, "/attributes"},
			{http.MethodPost, attributesPath, `{"attributes":{"a/b":"KEYWORD"}}`, "/attributes/a~1b"},
			{http.MethodPost, attributesPath, `{"attributes":{"a":"Unspecified"}}`, "/attributes/a"},
			{http.MethodPost, attributesPath, `{"attributes":{"TemporalX":"Int"}}`, "/attributes/TemporalX"},
			{http.MethodPost, attributesPath, `{"attributes":{"":"Int"}}`, "/attributes/"},
			{http.MethodPost, attributesPath, `{"attributes":{"a b; DROP":"Int"}}`, "/attributes/a b; DROP"},
			{http.MethodPost, attributesPath, `{"attributes":{"` + strings.Repeat("a", 201) + `":"Int"}}`, ""},
			{http.MethodPost, attributesPath, `{"attributes":{` + strings.Join(many, ",") + `}}`, "/attributes"},
			{http.MethodGet, namespacesPath + "?pageSize=0", "", "?pageSize"},
			{http.MethodGet, defaultPath + "?id=a", "", "?id"},
		} {
			resp := g.Do(t, test.method, test.path, test.body, root()...)
			require.Equal(t, http.StatusBadRequest, resp.Status, "%s %s", test.body, resp.Body)
			if test.pointer != "" {
				require.Contains(t, resp.Body, `"pointer":"`+test.pointer+`"`)
			}
		}
		require.Zero(t, g.UpstreamCalls())
		resp := g.Do(t, http.MethodPost, attributesPath, `{"attributes":{"StartTime":"Datetime"}}`, root()...)
		require.Equal(t, http.StatusBadRequest, resp.Status, resp.Body)
		require.Contains(t, resp.Body, `"pointer":"/attributes/StartTime"`)
		require.Empty(t, g.Upstream.Calls("AddSearchAttributes"))
	})
}

// adminRequests need the role admin on the namespace.
func adminRequests() [][3]string {
	return [][3]string{
		{http.MethodPost, namespacesPath, registerBody},
		{http.MethodPatch, defaultPath, `{"description":"two"}`},
		{http.MethodPost, attributesPath, `{"attributes":{"Items":"Int"}}`},
		{http.MethodDelete, attributesPath + "/CustomerId", ""},
	}
}

func TestAccessToNamespaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		delegated := servertest.Bearer(g.CreateDelegatedToken(t, `{"read":true}`))
		before := g.UpstreamCalls()
		forbidden := func(credential []string, method, path, body, code string) {
			resp := g.Do(t, method, path, body, credential...)
			require.Equal(t, []any{http.StatusForbidden, code}, []any{resp.Status, resp.Field(t, "code")}, "%s %s", method, path)
		}
		for _, r := range adminRequests() {
			code := "operation-forbidden"
			if r[1] == namespacesPath {
				code = "namespace-forbidden" // no grant of the caller suffices for any name
			}
			forbidden(servertest.Bearer(servertest.ReaderKey), r[0], r[1], r[2], code)
			forbidden(servertest.Bearer(servertest.WriterKey), r[0], r[1], r[2], code)
			forbidden(servertest.Bearer(servertest.OtherNamespacesKey), r[0], r[1], r[2], "namespace-forbidden")
			forbidden(delegated, r[0], r[1], r[2], "operation-forbidden")
		}
		for _, path := range []string{defaultPath, attributesPath} {
			forbidden(servertest.Bearer(servertest.OtherNamespacesKey), http.MethodGet, path, "", "namespace-forbidden")
			forbidden(delegated, http.MethodGet, path, "", "operation-forbidden")
		}
		for _, credential := range [][]string{servertest.Bearer(servertest.WriterKey), servertest.Bearer(servertest.OtherNamespacesKey), delegated} {
			forbidden(credential, http.MethodGet, namespacesPath, "", "operation-forbidden")
		}
		require.Equal(t, http.StatusUnauthorized, servertest.Request{Path: namespacesPath, Anonymous: true}.Send(t, g).Status)
		require.Equal(t, before, g.UpstreamCalls())
	})
}

// A key that is limited to a task queue keeps its role: none of these operations starts work.
func TestLimitedKeysAdministerTheirNamespace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, func(cfg *config.Config) {
			keys, err := os.ReadFile(cfg.Auth.APIKeys.File)
			require.NoError(t, err)
			limited := strings.Replace(string(keys), "{namespace: default, role: write}]}", "{namespace: default, role: admin}], taskQueues: [orders]}", 1)
			require.NotEqual(t, string(keys), limited)
			require.NoError(t, os.WriteFile(cfg.Auth.APIKeys.File, []byte(limited), 0o600))
		})
		for _, r := range adminRequests() {
			require.Less(t, g.Do(t, r[0], r[1], r[2]).Status, 300, r[1])
		}
	})
}

func TestABodyThatIsTooLargeIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, func(cfg *config.Config) { cfg.Limits.MaxBodyBytes = 1024 })
		for _, r := range adminRequests() {
			if r[2] == "" {
				continue
			}
			resp := g.Do(t, r[0], r[1], `{"a":"`+strings.Repeat("x", 1024)+`"}`, root()...)
			require.Equal(t, []any{http.StatusRequestEntityTooLarge, "payload-too-large"}, []any{resp.Status, resp.Field(t, "code")}, r[1])
		}
		require.Zero(t, g.UpstreamCalls())
	})
}
