package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/protoadapt"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// API keys with the role admin that are limited to a workflow type and to a task queue other than those of
// [validRequests], and one that is limited to these.
const (
	otherTypeKey  = "fg_othertype_tttttttttttttttttttttttttttttttt"
	otherQueueKey = "fg_otherqueue_qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
	reportsKey    = "fg_reports_rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"
)

// resourceCases returns the cases about every operation on schedules, activities, task queues, worker deployments,
// namespaces and search attributes. The valid requests of [validRequests] are sent with one change each.
func resourceCases() []hostile {
	const grants = "grants: [{namespace: default, role: admin}, {namespace: temporal-system, role: admin}]"
	row := func(number int, name string, configure func(*config.Config), act func(*testing.T, *servertest.Gateway, []resourceOperation) string) hostile {
		return hostile{number: number, name: "every operation: " + name, configure: func(cfg *config.Config) {
			withKeys(
				keyEntry{servertest.RootKey, grants}, keyEntry{otherTypeKey, "workflowTypes: [Order], " + grants},
				keyEntry{otherQueueKey, "taskQueues: [orders], " + grants}, keyEntry{reportsKey, "workflowTypes: [Report], taskQueues: [reports], " + grants},
			)(cfg)
			if configure != nil {
				configure(cfg)
			}
		}, act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			serveAll(t, g)
			return act(t, g, operationsOfResources(t))
		}}
	}
	small := func(cfg *config.Config) { cfg.Limits.MaxBodyBytes = 4 << 10 }
	return []hostile{
		row(97, "an unknown id", nil, unknownObjects),
		row(97, "a namespace that the server does not have", nil, unknownNamespaces),
		row(98, "another namespace", nil, foreignNamespaces),
		row(99, "a lower role", nil, lowerRoles),
		row(100, "a limited key", nil, limitedKeys),
		row(101, "a bad body", nil, badBodies),
		row(101, "a bad query and long ids", nil, badTargets),
		row(102, "a body that is too large", small, tooLargeBodies),
		row(103, "a request during the shutdown", servertest.WithDrain, drainedOperations),
	}
}

// requireRefused sends a request, which must fail without an upstream call.
func requireRefused(t *testing.T, g *servertest.Gateway, name string, request servertest.Request, status int, code string) {
	t.Helper()
	requireProblem(t, g, name, request, status, code, false)
}

// requireProblem sends a request, which must fail without an upstream call, or with a single read if readFirst is set.
func requireProblem(t *testing.T, g *servertest.Gateway, name string, request servertest.Request, status int, code string, readFirst bool) servertest.Response {
	t.Helper()
	before := len(g.Upstream.AllCalls())
	resp := request.Send(t, g)
	require.Equal(t, status, resp.Status, "%s: %s", name, resp.Body)
	requireWellFormed(t, resp, code)
	calls := g.Upstream.AllCalls()[before:]
	if readFirst {
		require.Len(t, calls, 1, name)
		require.True(t, strings.HasPrefix(calls[0].Method, "Describe"), "%s: %s", name, calls[0].Method)
		return resp
	}
	require.Empty(t, calls, name)
	return resp
}

// requireSent sends a request, which must be permitted and cause an upstream call.
func requireSent(t *testing.T, g *servertest.Gateway, id string, request servertest.Request) servertest.Response {
	t.Helper()
	before := g.UpstreamCalls()
	resp := request.Send(t, g)
	require.NotContains(t, []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}, resp.Status, "%s: %s", id, resp.Body)
	require.Greater(t, g.UpstreamCalls(), before, "%s: upstream calls", id)
	return resp
}

// failAll makes the upstream fail every RPC of the table with NOT_FOUND.
func failAll(g *servertest.Gateway, message string, details ...protoadapt.MessageV1) {
	for method := range auth.AccessTable() {
		g.Upstream.Handle(method, upstreamtest.Fail(codes.NotFound, message, details...))
	}
}

func unknownObjects(t *testing.T, g *servertest.Gateway, operations []resourceOperation) string {
	t.Helper()
	failAll(g, "not found")
	n := 0
	for _, o := range operations {
		if o.absent == "" {
			continue
		}
		resp := requireSent(t, g, o.id, o.request())
		require.Equal(t, []any{http.StatusNotFound, o.absent}, []any{resp.Status, resp.Field(t, "code")}, "%s: %s", o.id, resp.Body)
		requireWellFormed(t, resp, o.absent)
		n++
	}
	return fmt.Sprintf("%d operations: 404", n)
}

func unknownNamespaces(t *testing.T, g *servertest.Gateway, operations []resourceOperation) string {
	t.Helper()
	failAll(g, "Namespace default is not found.", &errordetails.NamespaceNotFoundFailure{Namespace: "default"})
	for _, o := range operations {
		resp := requireSent(t, g, o.id, o.request())
		require.Equal(t, http.StatusNotFound, resp.Status, "%s: %s", o.id, resp.Body)
		requireWellFormed(t, resp, "namespace-not-found")
	}
	return fmt.Sprintf("%d operations: 404 namespace-not-found", len(operations))
}

func foreignNamespaces(t *testing.T, g *servertest.Gateway, operations []resourceOperation) string {
	t.Helper()
	n := 0
	for _, o := range operations {
		if o.access(t).Scope != auth.ScopeNamespace {
			continue
		}
		request := o.request()
		request.Path, request.Body = strings.Replace(request.Path, "default", "other", 1), strings.Replace(request.Body, "default", "other", 1)
		requireRefused(t, g, o.id, request, http.StatusForbidden, "namespace-forbidden")
		n++
	}
	return fmt.Sprintf("%d operations: 403 namespace-forbidden, 0 upstream calls", n)
}

func lowerRoles(t *testing.T, g *servertest.Gateway, operations []resourceOperation) string {
	t.Helper()
	token := g.CreateDelegatedToken(t, `{"read":true,"signals":["approve"],"updates":["addItem"]}`)
	denied := 0
	for _, o := range operations {
		requireRefused(t, g, o.id, o.request(servertest.Bearer(token)...), http.StatusForbidden, "operation-forbidden")
		access, code := o.access(t), "operation-forbidden"
		if access.Scope == auth.ScopeNamespace && !strings.Contains(o.pattern, "{namespace}") {
			code = "namespace-forbidden" // no grant suffices, whichever namespace the body names
		}
		for role, key := range map[auth.Role]string{auth.RoleRead: servertest.ReaderKey, auth.RoleWrite: servertest.WriterKey, auth.RoleAdmin: servertest.RootKey} {
			if access.Role <= role && (access.Scope != auth.ScopeCluster || role == auth.RoleAdmin) {
				requireSent(t, g, o.id, o.request(servertest.Bearer(key)...))
				continue
			}
			requireRefused(t, g, o.id, o.request(servertest.Bearer(key)...), http.StatusForbidden, code)
			denied++
		}
	}
	return fmt.Sprintf("%d operations: %d denied with 403 and 0 upstream calls, and all with a delegated token", len(operations), denied)
}

func limitedKeys(t *testing.T, g *servertest.Gateway, operations []resourceOperation) string {
	t.Helper()
	denied, permitted := 0, 0
	for _, o := range operations {
		for kind, key := range map[keyKinds]string{otherType: otherTypeKey, otherQueue: otherQueueKey, reports: reportsKey} {
			if o.forbidden&kind == 0 {
				requireSent(t, g, o.id, o.request(servertest.Bearer(key)...))
				permitted++
				continue
			}
			readFirst := o.rpc == workflowservice.WorkflowService_UpdateSchedule_FullMethodName
			requireProblem(t, g, o.id+" "+key, o.request(servertest.Bearer(key)...), http.StatusForbidden, "operation-forbidden", readFirst)
			denied++
		}
	}
	return fmt.Sprintf("%d denied with 403 and 0 writes, %d permitted", denied, permitted)
}

func badBodies(t *testing.T, g *servertest.Gateway, operations []resourceOperation) string {
	t.Helper()
	n := 0
	for _, o := range operations {
		if !o.hasBody {
			continue
		}
		for body, code := range map[string]string{
			"{SECRET}": "invalid-json", "{": "invalid-json", "{} {}": "invalid-json", "{\"\xff\":1}": "invalid-json",
			o.withEachMemberTwice(): "invalid-json", "[]": "invalid-request", `"SECRET"`: "invalid-request", `{"SECRET":1}`: "unknown-field",
		} {
			request := o.request()
			request.Body = body
			resp := requireProblem(t, g, o.id+" "+body, request, http.StatusBadRequest, code, o.merged && code == "unknown-field")
			if code != "unknown-field" { // whose pointer has the name of the member
				require.NotContains(t, resp.Body, "SECRET", o.id)
			}
		}
		for name, value := range map[string]string{"Content-Type": "text/plain", "Content-Encoding": "gzip"} {
			request := o.request()
			request.Body = "{}"
			request.Headers = append(request.Headers, name, value)
			requireRefused(t, g, o.id, request, http.StatusUnsupportedMediaType, "unsupported-media-type")
		}
		request := o.request()
		request.Body = o.invalid
		resp := requireProblem(t, g, o.id, request, http.StatusBadRequest, "invalid-request", o.merged)
		require.Contains(t, resp.Body, `"pointer":"/`, o.id)
		n++
	}
	return fmt.Sprintf("%d operations with 11 bodies each: 400 or 415, 0 writes", n)
}

func badTargets(t *testing.T, g *servertest.Gateway, operations []resourceOperation) string {
	t.Helper()
	ids := 0
	for _, o := range operations {
		request := o.request()
		if request.Path += "?"; o.query != "" {
			request.Path = strings.TrimSuffix(request.Path, "?") + "&"
		}
		request.Path += "unknown=1"
		requireRefused(t, g, o.id, request, http.StatusBadRequest, "invalid-request")
		for _, match := range servertest.PathVariable.FindAllStringSubmatch(o.pattern, -1) {
			if match[1] == "namespace" {
				continue
			}
			for value, code := range map[string]string{strings.Repeat("a", 1001): "invalid-request", "a%00b": "invalid-path", "%ff": "invalid-path"} {
				request := o.request()
				request.Path = o.path(match[1], value) + o.query
				requireRefused(t, g, o.id+" "+match[1], request, http.StatusBadRequest, code)
				ids++
			}
		}
	}
	return fmt.Sprintf("%d operations and %d ids: 400, 0 upstream calls", len(operations), ids)
}

func tooLargeBodies(t *testing.T, g *servertest.Gateway, operations []resourceOperation) string {
	t.Helper()
	n := 0
	for _, o := range operations {
		if !o.hasBody {
			continue
		}
		request := o.request()
		request.Body = strings.Repeat(" ", 4<<10) + "{}"
		requireRefused(t, g, o.id, request, http.StatusRequestEntityTooLarge, "payload-too-large")
		n++
	}
	return fmt.Sprintf("%d operations: 413 payload-too-large, 0 upstream calls", n)
}

func drainedOperations(t *testing.T, g *servertest.Gateway, operations []resourceOperation) string {
	t.Helper()
	g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Hang) // keeps a request in flight after the delay
	go func() { _, _ = g.Send(t.Context(), http.MethodGet, countPath, "") }()
	synctest.Wait()
	g.Stop()
	time.Sleep(6 * time.Second) // until after the delay of 5 s
	for _, o := range operations {
		requireRefused(t, g, o.id, o.request(), http.StatusServiceUnavailable, "draining")
	}
	require.NoError(t, <-g.Done)
	return fmt.Sprintf("%d operations: 503 draining, 0 upstream calls", len(operations))
}
