package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// operationKey returns a key whose grants on "default" and on the cluster have the operations of the set.
func operationKey(operations auth.Operations) string {
	return fmt.Sprintf("fg_op-%d_oooooooooooooooooooooooooooooooo", uint64(operations))
}

// withOperationKeys adds a key for each operation, and for each of the given sets.
func withOperationKeys(sets ...auth.Operations) servertest.Options {
	for i := range auth.OperationNames() {
		sets = append(sets, 1<<i)
	}
	slices.Sort(sets)
	var entries []keyEntry
	for _, set := range slices.Compact(sets) {
		list := "operations: [" + set.String() + "]"
		entries = append(entries, keyEntry{operationKey(set), "grants: [{namespace: default, " + list + "}, {namespace: temporal-system, " + list + "}]"})
	}
	return servertest.Options{Configure: withKeys(entries...)}
}

// operationRequest is a valid request, and the operations that it needs.
type operationRequest struct {
	servertest.Request

	name       string
	operations auth.Operations
}

// temporalOperationRequests returns a request for each HTTP rule of the Temporal HTTP API.
func temporalOperationRequests(t *testing.T) (found []operationRequest) {
	t.Helper()
	for _, b := range servertest.Bindings(t) {
		body := b.Body("default")
		access := b.Access(t)
		if access.Scope == auth.ScopeNone {
			continue
		}
		if b.FullMethod() == workflowservice.WorkflowService_StartBatchOperation_FullMethodName {
			body, access.Operations = `{"signalOperation":{"signal":"s"}}`, access.Operations|auth.OpSignal
		}
		found = append(found, operationRequest{servertest.Request{Method: b.HTTPMethod, Path: b.Path("default"), Body: body}, b.Pattern, access.Operations})
	}
	return found
}

// clientOperationRequests returns a request for each operation of the client API that makes a call.
func clientOperationRequests(t *testing.T) (found []operationRequest) {
	t.Helper()
	for _, o := range operationsOfResources(t) {
		needed := o.access(t).Operations
		if o.rpc == workflowservice.WorkflowService_UpdateSchedule_FullMethodName {
			needed |= auth.OpReadSchedules // the response has the whole schedule
		}
		found = append(found, operationRequest{o.request(), o.id, needed})
	}
	const order, batches = servertest.WorkflowsPath + "/order", "/v1/namespaces/default/batches"
	start := servertest.StartBody("")
	batch := func(operation string) string { return `{"query":"x = 'y'","operation":{` + operation + `}}` }
	for _, row := range []struct {
		method, path, body string
		operations         auth.Operations
	}{
		{http.MethodPost, servertest.WorkflowsPath, start, auth.OpStart},
		{http.MethodPost, servertest.WorkflowsPath + "?wait=1s", start, auth.OpStart | auth.OpRead},
		{http.MethodPost, servertest.WorkflowsPath, strings.TrimSuffix(start, "}") + `,"startSignal":"s"}`, auth.OpStart | auth.OpSignal},
		{http.MethodPost, servertest.WorkflowsPath, strings.TrimSuffix(start, "}") + `,"idConflictPolicy":"TERMINATE_EXISTING"}`, auth.OpStart | auth.OpTerminate},
		{
			http.MethodPost, servertest.WorkflowsPath + ":updateWithStart",
			`{"start":` + strings.TrimSuffix(start, "}") + `,"idConflictPolicy":"FAIL"},"update":{"update":"u"}}`, auth.OpStart | auth.OpUpdate,
		},
		{http.MethodGet, servertest.WorkflowsPath, "", auth.OpRead},
		{http.MethodGet, servertest.WorkflowsPath + ":count", "", auth.OpRead},
		{http.MethodGet, order, "", auth.OpRead},
		{http.MethodGet, order + "/result", "", auth.OpRead},
		{http.MethodGet, order + "/history", "", auth.OpRead},
		{http.MethodGet, order + "/metadata", "", auth.OpQuery},
		{http.MethodPost, order + "/signal", `{"signal":"s"}`, auth.OpSignal},
		{http.MethodPost, order + "/query", `{"query":"q"}`, auth.OpQuery},
		{http.MethodPost, order + "/updates?wait=0s", `{"update":"u"}`, auth.OpUpdate},
		{http.MethodGet, order + "/updates/u", "", auth.OpUpdate},
		{http.MethodPost, order + "/cancel", "{}", auth.OpCancel},
		{http.MethodPost, order + "/terminate", "{}", auth.OpTerminate},
		{http.MethodPost, order + "/reset", `{"eventId":3}`, auth.OpReset},
		{http.MethodPost, order + "/pause", "{}", auth.OpPause},
		{http.MethodPost, order + "/unpause", "{}", auth.OpPause},
		{http.MethodDelete, order, "", auth.OpDelete},
		{http.MethodPost, batches, batch(`"cancel":{}`), auth.OpWriteBatches | auth.OpCancel},
		{http.MethodGet, batches, "", auth.OpReadBatches},
	} {
		found = append(found, operationRequest{
			servertest.Request{Method: row.method, Path: row.path, Body: row.body}, row.method + " " + row.path, row.operations,
		})
	}
	return found
}

// Each operation permits its own requests and no others, at both doors. A refused request makes no upstream call, and
// one that needs several operations is refused with each of them alone.
func TestAGrantByOperationPermitsNothingElse(t *testing.T) {
	t.Parallel()
	for door, requests := range map[string]func(*testing.T) []operationRequest{"/v1": clientOperationRequests, "the Temporal HTTP API": temporalOperationRequests} {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				all := requests(t)
				var sets []auth.Operations
				for _, r := range all {
					sets = append(sets, r.operations)
				}
				g := servertest.Start(t, withOperationKeys(sets...))
				synctest.Wait()
				serveAll(t, g)
				refused, permitted := 0, 0
				send := func(r operationRequest, operations auth.Operations, permit bool) {
					before := g.UpstreamCalls()
					r.Headers = servertest.Bearer(operationKey(operations))
					resp := r.Send(t, g)
					if permit {
						require.NotContains(t, []int{http.StatusForbidden, http.StatusUnauthorized, http.StatusBadRequest}, resp.Status, "%s as %s: %s", r.name, operations, resp.Body)
						require.Greater(t, g.UpstreamCalls(), before, "%s as %s: %s", r.name, operations, resp.Body)
						permitted++
						if r.operations.Contains(auth.OpUpdate) { // its shared poll goes on after the response
							time.Sleep(time.Minute)
							synctest.Wait()
						}
						return
					}
					require.Equal(t, http.StatusForbidden, resp.Status, "%s as %s: %s", r.name, operations, resp.Body)
					require.Equal(t, before, g.UpstreamCalls(), "%s as %s", r.name, operations)
					refused++
				}
				seen := auth.Operations(0)
				for _, r := range all {
					seen |= r.operations
					send(r, r.operations, true)
					for i := range auth.OperationNames() {
						if one := auth.Operations(1) << i; one != r.operations {
							send(r, one, false)
						}
					}
				}
				t.Logf("%d requests, %d operations: %d permitted, %d refused with 0 upstream calls", len(all), len(seen.Names()), permitted, refused)
				require.GreaterOrEqual(t, len(seen.Names()), 30)
			})
		})
	}
}

// A caller with a grant by operation sees its settings, whatever the operation is, and no other caller does.
func TestClientSettingsShowOperations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, withOperationKeys(auth.OpStart|auth.OpSignal))
		synctest.Wait()
		var client struct {
			Role       string   `json:"role"`
			Operations []string `json:"operations"`
		}
		resp := g.Do(t, http.MethodGet, "/v1/namespaces/default/client", "", servertest.Bearer(operationKey(auth.OpStart|auth.OpSignal))...)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.NoError(t, json.Unmarshal([]byte(resp.Body), &client))
		require.Equal(t, "none", client.Role)
		require.Equal(t, []string{"start", "signal"}, client.Operations)
		resp = g.Do(t, http.MethodGet, "/v1/namespaces/default/client", "", servertest.Bearer(servertest.WriterKey)...)
		require.NotContains(t, resp.Body, `"operations"`)
		resp = g.Do(t, http.MethodGet, "/v1/namespaces/other/client", "", servertest.Bearer(operationKey(auth.OpStart))...)
		require.Equal(t, http.StatusForbidden, resp.Status)
	})
}

// The checks that the gateway makes with reads of its own need no other operation.
func TestTheGatewaysOwnReadsNeedNoGrant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, withOperationKeys())
		synctest.Wait()
		serveAll(t, g)
		starter := append(servertest.Bearer(operationKey(auth.OpStart)), "Idempotency-Key", "k-1")
		resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(""), starter...)
		require.Less(t, resp.Status, 300, resp.Body)
		require.NotEmpty(t, g.Upstream.Calls("DescribeWorkflowExecution"), "the key is looked up")
		resp = g.Do(t, http.MethodGet, servertest.WorkflowsPath+"/order", "", servertest.Bearer(operationKey(auth.OpStart))...)
		require.Equal(t, http.StatusForbidden, resp.Status, "the caller itself may not read")
	})
}
