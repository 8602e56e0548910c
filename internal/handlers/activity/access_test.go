package activity_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// call is a request of one operation.
type call struct {
	method, path, body string
	// status is that of the response to a caller with access.
	status int
	// read is set if the role read suffices.
	read bool
}

// calls returns a valid request of each operation.
func calls() []call {
	all := []call{}
	for path, rest := range reports() {
		status := http.StatusNoContent
		if path == ":heartbeat" {
			status = http.StatusOK
		}
		all = append(all,
			call{http.MethodPost, activitiesPath + path, reportBody(`"taskToken":"`+std(tokenOf(namespaceID))+`"`, rest), status, false},
			call{http.MethodPost, activitiesPath + path, reportBody(`"workflowId":"w","activityId":"a"`, rest), status, false})
	}
	return append(all, standaloneCalls()...)
}

// standaloneCalls returns a valid request of each operation on activities without a workflow.
func standaloneCalls() []call {
	return []call{
		{http.MethodPost, activitiesPath, startBody, http.StatusCreated, false},
		{http.MethodGet, activitiesPath, "", http.StatusOK, true},
		{http.MethodGet, activitiesPath + ":count", "", http.StatusOK, true},
		{http.MethodGet, activitiesPath + "/a", "", http.StatusOK, true},
		{http.MethodGet, activitiesPath + "/a/result", "", http.StatusAccepted, true},
		{http.MethodPost, activitiesPath + "/a/cancel", "", http.StatusNoContent, false},
		{http.MethodPost, activitiesPath + "/a/terminate", "", http.StatusNoContent, false},
	}
}

func requireForbidden(t *testing.T, resp servertest.Response, code string) {
	t.Helper()
	require.Equal(t, []any{http.StatusForbidden, code}, []any{resp.Status, resp.Field(t, "code")}, resp.Body)
}

func TestAccessToTheOperations(t *testing.T) {
	t.Parallel()
	withReports(t, nil, func(t *testing.T, g *servertest.Gateway) {
		t.Helper()
		newFakeActivity(g)
		token := servertest.Bearer(g.CreateDelegatedToken(t, servertest.TokenBody))
		for _, c := range calls() {
			before := g.UpstreamCalls()
			requireForbidden(t, g.Do(t, c.method, c.path, c.body, token...), "operation-forbidden")
			requireForbidden(t, g.Do(t, c.method, strings.Replace(c.path, "default", "other", 1), c.body), "namespace-forbidden")
			if !c.read {
				requireForbidden(t, g.Do(t, c.method, c.path, c.body, servertest.Bearer(servertest.ReaderKey)...), "operation-forbidden")
			}
			require.Equal(t, before, g.UpstreamCalls(), "%s %s", c.method, c.path)
			if c.read {
				require.Equal(t, c.status, g.Do(t, c.method, c.path, c.body, servertest.Bearer(servertest.ReaderKey)...).Status)
			}
			resp := g.Do(t, c.method, c.path, c.body)
			require.Equal(t, c.status, resp.Status, "%s %s: %s", c.method, c.path, resp.Body)
		}
	})
}

// limitTo returns a change of the configuration that adds lists of limits to the writer's key.
func limitTo(t *testing.T, lists string) func(*config.Config) {
	t.Helper()
	return func(cfg *config.Config) {
		keys, err := os.ReadFile(cfg.Auth.APIKeys.File)
		require.NoError(t, err)
		limited := strings.Replace(string(keys), "{id: writer,", "{id: writer, "+lists+",", 1)
		require.NotEqual(t, string(keys), limited)
		require.NoError(t, os.WriteFile(cfg.Auth.APIKeys.File, []byte(limited), 0o600))
	}
}

// A limited key may report on the activities that exist, because reports start nothing. It may not report on the work
// of the server's own workflows, which it could name by id or in a token that it writes itself.
func TestALimitedKeyReportsOnActivities(t *testing.T) {
	t.Parallel()
	for _, lists := range []string{"taskQueues: [orders]", "workflowTypes: [Order]"} {
		withReports(t, limitTo(t, lists), func(t *testing.T, g *servertest.Gateway) {
			t.Helper()
			system := append(tokenOf(namespaceID), append([]byte{2<<3 | 2, byte(len("temporal-sys-batch"))}, "temporal-sys-batch"...)...)
			for path, rest := range reports() {
				before := g.UpstreamCalls()
				for _, members := range []string{`"workflowId":"temporal-sys-batch","activityId":"a"`, `"taskToken":"` + std(system) + `"`} {
					requireForbidden(t, g.Do(t, http.MethodPost, activitiesPath+path, reportBody(members, rest)), "operation-forbidden")
				}
				require.Equal(t, before, g.UpstreamCalls())
				for _, members := range []string{`"workflowId":"w","activityId":"a"`, `"taskToken":"` + std(tokenOf(namespaceID)) + `"`} {
					resp := g.Do(t, http.MethodPost, activitiesPath+path, reportBody(members, rest))
					require.Less(t, resp.Status, 300, resp.Body)
				}
			}
		})
	}
}

// A limited key starts activities on its task queues only. Without a list of task queues it starts none, because an
// activity has no workflow type.
func TestALimitedKeyStartsActivitiesOnItsTaskQueues(t *testing.T) {
	t.Parallel()
	for lists, allowed := range map[string]bool{"taskQueues: [orders]": true, "taskQueues: [payments]": false, "workflowTypes: [charge]": false} {
		withReports(t, limitTo(t, lists), func(t *testing.T, g *servertest.Gateway) {
			t.Helper()
			newFakeActivity(g)
			before := g.UpstreamCalls()
			resp := g.Do(t, http.MethodPost, activitiesPath, startBody)
			if allowed {
				require.Equal(t, http.StatusCreated, resp.Status, resp.Body)
				return
			}
			requireForbidden(t, resp, "operation-forbidden")
			require.Equal(t, before, g.UpstreamCalls())
		})
	}
}
