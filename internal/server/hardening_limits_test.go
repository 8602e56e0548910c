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

const (
	typedKey    = "fg_typed_tttttttttttttttttttttttttttttttt"
	queuedKey   = "fg_queued_qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
	endpointKey = "fg_endpoint_eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
	mixedKey    = "fg_mixed_mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"
	callbackKey = "fg_callback_cccccccccccccccccccccccccccccccc"
	adminKey    = "fg_admin_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// limits are the cases about what a key may start, and about what the server does
// for a caller.
func limits() []hostile {
	const write = "grants: [{namespace: default, role: write}]"
	configure := withKeys(
		entry{typedKey, "workflowTypes: [Order], " + write},
		entry{queuedKey, "taskQueues: [orders], " + write},
		entry{endpointKey, "nexusEndpoints: [payments], " + write},
		entry{mixedKey, "workflowTypes: [Order], taskQueues: [orders], nexusEndpoints: [payments], completionCallbacks: true, " + write},
		entry{callbackKey, "completionCallbacks: true, " + write},
		entry{adminKey, "grants: [{namespace: default, role: admin}, {namespace: temporal-system, role: admin}]"},
	)
	row := func(number int, name string, act func(*testing.T, *servertest.Gateway) string) hostile {
		return hostile{number: number, name: name, configure: configure, act: act}
	}
	return []hostile{
		row(89, "a standalone Nexus operation", nexusOperations),
		row(89, "a reset", resets),
		row(89, "a queue that no field task_queue names", otherQueues),
		row(94, "completion callbacks", completionCallbacks),
		row(95, "validation of a compute configuration", computeValidation),
	}
}

const temporalDefault = "/api/v1/namespaces/default"

// keyed is a request of the Temporal HTTP API, and whether the key may make it.
type keyed struct {
	key, path, body string
	passes          bool
}

// try makes the attempts. Those that are refused get 403 and no upstream call.
func try(t *testing.T, g *servertest.Gateway, attempts ...keyed) string {
	t.Helper()
	for _, b := range servertest.Bindings(t) {
		if b.Method.Name() != "GetSystemInfo" {
			g.Upstream.Handle(string(b.Method.Name()), upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{}))
		}
	}
	passed, refused := 0, 0
	for _, a := range attempts {
		before := g.UpstreamCalls()
		got := g.Do(t, http.MethodPost, a.path, a.body, servertest.Bearer(a.key)...)
		if a.passes {
			require.Equal(t, http.StatusOK, got.Status, "%+v: %s", a, got.Body)
			require.Equal(t, before+1, g.UpstreamCalls(), "%+v", a)
			passed++
			continue
		}
		require.Equal(t, http.StatusForbidden, got.Status, "%+v: %s", a, got.Body)
		servertest.RequireStatus(t, got, http.StatusForbidden, codes.PermissionDenied)
		require.Equal(t, before, g.UpstreamCalls(), "%+v", a)
		refused++
	}
	return fmt.Sprintf("%d refused with 403 and 0 upstream calls, %d allowed", refused, passed)
}

func nexusOperations(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	const path = temporalDefault + "/nexus-operations/o"
	body := func(endpoint string) string { return `{"endpoint":"` + endpoint + `","service":"s","operation":"o"}` }
	result := try(
		t, g,
		keyed{typedKey, path, body("payments"), false},
		keyed{queuedKey, path, body("payments"), false},
		keyed{endpointKey, path, body("payments"), true},
		keyed{endpointKey, path, body("payouts"), false},
		keyed{mixedKey, path, body("payments"), true},
		keyed{mixedKey, path, body("payouts"), false},
		keyed{servertest.WriterKey, path, body("payouts"), true},
	)
	require.Contains(t, audits(g), `"typed","namespace":"default","rpc":"StartNexusOperationExecution","resource":"o","outcome":"operation-forbidden"`)
	return result
}

func resets(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	const path, body = temporalDefault + "/workflows/w/reset", `{"workflowTaskFinishEventId":"4","requestId":"q"}`
	result := try(
		t, g,
		keyed{typedKey, path, body, false}, keyed{queuedKey, path, body, false}, keyed{mixedKey, path, body, false},
		keyed{servertest.WriterKey, path, body, true},
	)
	a := servertest.Request{Method: http.MethodPost, Path: servertest.WorkflowsPath + "/w/reset", Body: `{"eventId":4}`, Headers: servertest.Bearer(typedKey)}.Send(t, g)
	require.Equal(t, http.StatusForbidden, a.Status, a.Body)
	requireForm(t, a, "operation-forbidden")
	require.Len(t, g.Upstream.Calls("ResetWorkflowExecution"), 1, "the writer's alone")
	return result
}

func otherQueues(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	const path = temporalDefault + "/activities/a"
	start := func(queue string) string {
		return `{"activityType":{"name":"Pay"},"taskQueue":{"name":"` + queue + `"},"startToCloseTimeout":"5s"}`
	}
	const calls = temporalDefault + "/nexus-operations/o"
	handler := func(queue string) string {
		return `{"endpoint":"payments","completionCallbacks":[{"nexusHandler":{"taskQueueName":"` + queue + `","service":"s"}}]}`
	}
	return try(
		t, g,
		keyed{queuedKey, path, start("payouts"), false}, keyed{queuedKey, path, start("orders"), true},
		keyed{mixedKey, calls, handler("payouts"), false}, keyed{mixedKey, calls, handler("orders"), true},
	)
}

func completionCallbacks(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	var attempts []keyed
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
			for key, passes := range map[string]bool{servertest.WriterKey: false, adminKey: false, typedKey: false, callbackKey: true} {
				attempts = append(attempts, keyed{key, temporalDefault + path, fmt.Sprintf(body, callback), passes})
			}
		}
	}
	return try(t, g, attempts...)
}

func computeValidation(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	const path = temporalDefault + "/worker-deployment-versions/billing/7/validate-compute-config"
	result := try(
		t, g,
		keyed{servertest.ReaderKey, path, `{}`, false}, keyed{typedKey, path, `{}`, false},
		keyed{servertest.WriterKey, path, `{}`, true},
	)
	require.Equal(t, []string{
		`"reader","namespace":"default","rpc":"ValidateWorkerDeploymentVersionComputeConfig","resource":"","outcome":"operation-forbidden"`,
		`"typed","namespace":"default","rpc":"ValidateWorkerDeploymentVersionComputeConfig","resource":"billing","outcome":"operation-forbidden"`,
		`"writer","namespace":"default","rpc":"ValidateWorkerDeploymentVersionComputeConfig","resource":"billing","outcome":"ok"`,
	}, audits(g))
	return result + "; each has an audit line"
}
