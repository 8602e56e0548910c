package server_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// API keys with the limits that [keyLimits] configures: typedKey may use only some workflow types, queuedKey only some
// task queues, endpointKey only some Nexus endpoints, and mixedKey only some of all three. mixedKey and callbackKey may
// set completion callbacks.
const (
	typedKey    = "fg_typed_tttttttttttttttttttttttttttttttt"
	queuedKey   = "fg_queued_qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
	endpointKey = "fg_endpoint_eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
	mixedKey    = "fg_mixed_mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"
	callbackKey = "fg_callback_cccccccccccccccccccccccccccccccc"
	adminKey    = "fg_admin_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// keyLimits returns the cases about the limits of an API key on workflow types, task queues, Nexus endpoints and
// completion callbacks.
func keyLimits() []hostile {
	const write = "grants: [{namespace: default, role: write}]"
	configure := withKeys(
		keyEntry{typedKey, "workflowTypes: [Order], " + write},
		keyEntry{queuedKey, "taskQueues: [orders], " + write},
		keyEntry{endpointKey, "nexusEndpoints: [payments], " + write},
		keyEntry{mixedKey, "workflowTypes: [Order], taskQueues: [orders], nexusEndpoints: [payments], completionCallbacks: true, " + write},
		keyEntry{callbackKey, "completionCallbacks: true, " + write},
		keyEntry{adminKey, "grants: [{namespace: default, role: admin}, {namespace: temporal-system, role: admin}]"},
	)
	row := func(number int, name string, act func(*testing.T, *servertest.Gateway) string) hostile {
		return hostile{number: number, name: name, configure: configure, act: act}
	}
	return []hostile{
		row(89, "a standalone Nexus operation", nexusOperations),
		row(89, "a reset", resets),
		row(89, "a task queue in a field with another name", taskQueuesInOtherFields),
		row(94, "completion callbacks", completionCallbacks),
		row(95, "validation of a compute configuration", computeValidation),
	}
}

const temporalNamespacePath = "/api/v1/namespaces/default"

// keyedRequest is a request to the Temporal HTTP API with an API key.
type keyedRequest struct {
	key, path, body string
	permitted       bool
}

// sendAsKeys sends the requests. It requires that a request which is not permitted receives 403 and makes no upstream
// call.
func sendAsKeys(t *testing.T, g *servertest.Gateway, attempts ...keyedRequest) string {
	t.Helper()
	for _, b := range servertest.Bindings(t) {
		if b.Method.Name() != "GetSystemInfo" {
			g.Upstream.Handle(string(b.Method.Name()), upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{}))
		}
	}
	permitted, denied := 0, 0
	for _, a := range attempts {
		before := g.UpstreamCalls()
		got := g.Do(t, http.MethodPost, a.path, a.body, servertest.Bearer(a.key)...)
		if a.permitted {
			require.Equal(t, http.StatusOK, got.Status, "%+v: %s", a, got.Body)
			require.Equal(t, before+1, g.UpstreamCalls(), "%+v", a)
			permitted++
			continue
		}
		require.Equal(t, http.StatusForbidden, got.Status, "%+v: %s", a, got.Body)
		servertest.RequireRPCError(t, got, http.StatusForbidden, codes.PermissionDenied)
		require.Equal(t, before, g.UpstreamCalls(), "%+v", a)
		denied++
	}
	return fmt.Sprintf("%d denied with 403 and 0 upstream calls, %d permitted", denied, permitted)
}

func nexusOperations(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	const path = temporalNamespacePath + "/nexus-operations/o"
	body := func(endpoint string) string { return `{"endpoint":"` + endpoint + `","service":"s","operation":"o"}` }
	result := sendAsKeys(
		t, g,
		keyedRequest{typedKey, path, body("payments"), false},
		keyedRequest{queuedKey, path, body("payments"), false},
		keyedRequest{endpointKey, path, body("payments"), true},
		keyedRequest{endpointKey, path, body("payouts"), false},
		keyedRequest{mixedKey, path, body("payments"), true},
		keyedRequest{mixedKey, path, body("payouts"), false},
		keyedRequest{servertest.WriterKey, path, body("payouts"), true},
	)
	require.Contains(t, auditLines(g), `"typed","namespace":"default","rpc":"StartNexusOperationExecution","resource":"o","outcome":"operation-forbidden"`)
	return result
}

func resets(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	const path, body = temporalNamespacePath + "/workflows/w/reset", `{"workflowTaskFinishEventId":"4","requestId":"q"}`
	result := sendAsKeys(
		t, g,
		keyedRequest{typedKey, path, body, false}, keyedRequest{queuedKey, path, body, false}, keyedRequest{mixedKey, path, body, false},
		keyedRequest{servertest.WriterKey, path, body, true},
	)
	resp := servertest.Request{Method: http.MethodPost, Path: servertest.WorkflowsPath + "/w/reset", Body: `{"eventId":4}`, Headers: servertest.Bearer(typedKey)}.Send(t, g)
	require.Equal(t, http.StatusForbidden, resp.Status, resp.Body)
	requireWellFormed(t, resp, "operation-forbidden")
	require.Len(t, g.Upstream.Calls("ResetWorkflowExecution"), 1, "only the writer's reset is sent")
	return result
}

func taskQueuesInOtherFields(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	const path = temporalNamespacePath + "/activities/a"
	start := func(queue string) string {
		return `{"activityType":{"name":"Pay"},"taskQueue":{"name":"` + queue + `"},"startToCloseTimeout":"5s"}`
	}
	const operation = temporalNamespacePath + "/nexus-operations/o"
	handler := func(queue string) string {
		return `{"endpoint":"payments","completionCallbacks":[{"nexusHandler":{"taskQueueName":"` + queue + `","service":"s"}}]}`
	}
	return sendAsKeys(
		t, g,
		keyedRequest{queuedKey, path, start("payouts"), false}, keyedRequest{queuedKey, path, start("orders"), true},
		keyedRequest{mixedKey, operation, handler("payouts"), false}, keyedRequest{mixedKey, operation, handler("orders"), true},
	)
}

func completionCallbacks(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	var attempts []keyedRequest
	for _, callback := range []string{
		`{"nexus":{"url":"temporal://system","header":{"temporal-callback-token":"forged"}}}`,
		`{"nexus":{"url":"https://collector.example"}}`, `{"internal":{"data":"AA=="}}`, `{}`,
	} {
		for path, body := range map[string]string{
			"/workflows/w":                `{"workflowType":{"name":"Order"},"completionCallbacks":[%s]}`,
			"/workflows/w/update/approve": `{"request":{"input":{"name":"approve"},"completionCallbacks":[%s]}}`,
			"/activities/a":               `{"activityType":{"name":"Pay"},"completionCallbacks":[%s]}`,
			"/nexus-operations/o":         `{"endpoint":"payments","completionCallbacks":[%s]}`,
		} {
			for key, permitted := range map[string]bool{servertest.WriterKey: false, adminKey: false, typedKey: false, callbackKey: true} {
				attempts = append(attempts, keyedRequest{key, temporalNamespacePath + path, fmt.Sprintf(body, callback), permitted})
			}
		}
	}
	return sendAsKeys(t, g, attempts...)
}

func computeValidation(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	const path = temporalNamespacePath + "/worker-deployment-versions/billing/7/validate-compute-config"
	result := sendAsKeys(
		t, g,
		keyedRequest{servertest.ReaderKey, path, `{}`, false}, keyedRequest{typedKey, path, `{}`, false},
		keyedRequest{servertest.WriterKey, path, `{}`, true},
	)
	require.Equal(t, []string{
		`"reader","namespace":"default","rpc":"ValidateWorkerDeploymentVersionComputeConfig","resource":"","outcome":"operation-forbidden"`,
		`"typed","namespace":"default","rpc":"ValidateWorkerDeploymentVersionComputeConfig","resource":"billing","outcome":"operation-forbidden"`,
		`"writer","namespace":"default","rpc":"ValidateWorkerDeploymentVersionComputeConfig","resource":"billing","outcome":"ok"`,
	}, auditLines(g))
	return result + "; each has an audit line"
}
