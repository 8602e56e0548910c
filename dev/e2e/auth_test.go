package e2e_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/stack"
)

// callEveryNamespaceOperation calls every operation of the document that has a namespace in its path. It returns the
// responses by operation id. Each other path parameter is "x", and a body is {}: the gateway must reject the caller
// before it reads them.
func callEveryNamespaceOperation(t *testing.T, c caller, namespace string) map[string]apiResponse {
	t.Helper()
	parameter := regexp.MustCompile(`\{\w+\}`)
	all := map[string]apiResponse{}
	for id, o := range shared.contract.namespaced {
		path := parameter.ReplaceAllString(strings.Replace(o.path, "{namespace}", namespace, 1), "x")
		all[id] = c.mustSend(t, o.method, path, o.body)
	}
	return all
}

// withoutRequestID returns the members and headers of a problem without those that differ for each request. Two errors
// that a caller must not be able to distinguish are equal in this form.
func withoutRequestID(t *testing.T, a apiResponse) map[string]any {
	t.Helper()
	members := as[map[string]any](t, a)
	require.NotEmpty(t, members["requestId"])
	delete(members, "requestId")
	header := a.header.Clone()
	for _, name := range []string{"X-Request-Id", "Date", "Content-Length"} {
		header.Del(name)
	}
	members["header"] = header
	return members
}

func TestCredentialIsRequired(t *testing.T) {
	t.Parallel()
	for name, a := range callEveryNamespaceOperation(t, anonymous(), "default") {
		require.Equal(t, http.StatusUnauthorized, a.status, name)
		a.problem(t, http.StatusUnauthorized, "unauthenticated")
		require.True(t, strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer"), name)
	}
	anonymous().get(t, "/v1/system-info").problem(t, http.StatusUnauthorized, "unauthenticated")
}

func TestInvalidCredentialsHaveSameResponse(t *testing.T) {
	t.Parallel()
	const path = workflows + ":count"
	var first map[string]any
	for name, key := range map[string]string{
		"unknown id":     "fg_nobody_00000000000000000000000000000000",
		"wrong secret":   "fg_dev_00000000000000000000000000000001",
		"longer secret":  stack.WriterKey + "0",
		"expired":        "fg_expired_00000000000000000000000000000000",
		"disabled":       "fg_disabled_00000000000000000000000000000000",
		"expired, wrong": "fg_expired_00000000000000000000000000000001",
		"no secret":      "fg_dev_",
		"not an API key": "nonsense",
		"unknown prefix": "xx_dev_00000000000000000000000000000000",
		"a JWT":          "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkZXYifQ.",
	} {
		for header, c := range map[string]caller{"Authorization": bearer(key), "X-API-Key": anonymous().with("X-API-Key", key)} {
			a := c.get(t, path)
			a.problem(t, http.StatusUnauthorized, "invalid-credential")
			got := withoutRequestID(t, a)
			if first == nil {
				first = got
			}
			require.Equal(t, first, got, "%s in %s", name, header)
		}
	}
}

func TestOnlyBearerSchemeIsAccepted(t *testing.T) {
	t.Parallel()
	const path = workflows + ":count"
	anonymous().with("Authorization", "Basic ZGV2OmRldg==").get(t, path).problem(t, http.StatusUnauthorized, "unauthenticated")
	anonymous().with("Authorization", "bEARER "+stack.WriterKey).get(t, path).expect(t, http.StatusOK)
	anonymous().with("Authorization", stack.WriterKey).get(t, path).expect(t, http.StatusUnauthorized)
}

func TestAPIKeyHeaderAuthenticates(t *testing.T) {
	t.Parallel()
	a := anonymous().with("X-API-Key", stack.ReaderKey).get(t, "/v1/namespaces/default/client").expect(t, http.StatusOK)
	got := as[struct{ Principal, CredentialMode string }](t, a)
	const principal = "read" // the id of stack.ReaderKey
	require.Equal(t, []string{principal, "none"}, []string{got.Principal, got.CredentialMode})
}

func TestTwoCredentialsAreRejected(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]caller{
		"both headers":              writer().with("X-API-Key", stack.WriterKey),
		"both headers, one invalid": writer().with("X-API-Key", "nonsense"),
		"two Authorization headers": writer().with("Authorization", "Bearer "+stack.WriterKey),
		"two X-API-Key headers":     anonymous().with("X-API-Key", stack.WriterKey).with("X-API-Key", stack.WriterKey),
	} {
		a := c.get(t, workflows+":count")
		require.Equal(t, http.StatusBadRequest, a.status, name)
		a.problem(t, http.StatusBadRequest, "ambiguous-credentials")
	}
}

// TestForbiddenOperationsMakeNoUpstreamCall of internal/server covers the other operations that write.
func TestReaderMayOnlyRead(t *testing.T) {
	t.Parallel()
	s := start(t, "Wait")
	for name, a := range callWorkflowOperations(t, reader(), workflowPath(s.WorkflowID)) {
		switch name {
		case "signal", "cancel", "terminate":
			require.Equal(t, http.StatusForbidden, a.status, name)
			a.problem(t, http.StatusForbidden, "operation-forbidden")
		default:
			require.Less(t, a.status, http.StatusMultipleChoices, "%s: %s", name, a.body)
		}
	}
	w := describe(t, s.WorkflowID)
	require.Equal(t, "RUNNING", w.Status)
	require.False(t, w.CancelRequested)
	require.Zero(t, signalCount(t, s.WorkflowID))
	terminate(t, s.WorkflowID)

	id := newID(t)
	reader().post(t, workflows, startBody("Unpolled", id, "unpolled")).problem(t, http.StatusForbidden, "operation-forbidden")
	reader().post(t, workflows, startBody("Unpolled", id, "unpolled", `"startSignal":"poke"`)).
		problem(t, http.StatusForbidden, "operation-forbidden")
	reader().post(t, workflows, "{").problem(t, http.StatusForbidden, "operation-forbidden")
	writer().get(t, workflowPath(id)).problem(t, http.StatusNotFound, "workflow-not-found")
}

func TestForbiddenNamespaceDoesNotRevealWhetherItExists(t *testing.T) {
	t.Parallel()
	for _, c := range []caller{writer(), reader()} {
		exists := callEveryNamespaceOperation(t, c, otherNamespace)
		missing := callEveryNamespaceOperation(t, c, "missing-"+uuid.NewString())
		system := callEveryNamespaceOperation(t, c, "temporal-system")
		for name, a := range exists {
			a.problem(t, http.StatusForbidden, "namespace-forbidden")
			require.Equal(t, withoutRequestID(t, a), withoutRequestID(t, missing[name]), name)
			require.Equal(t, withoutRequestID(t, a), withoutRequestID(t, system[name]), name)
		}
	}
}

func TestNamespacesAreIsolated(t *testing.T) {
	t.Parallel()
	threeNamespacesWriter, id := bearer(threeNamespacesKey), newID(t)
	const otherWorkflows = "/v1/namespaces/" + otherNamespace + "/workflows"
	s := as[started](t, threeNamespacesWriter.post(t, otherWorkflows, startBody("Unpolled", id, "unpolled")).expect(t, http.StatusCreated))
	threeNamespacesWriter.get(t, workflowPath(id)).problem(t, http.StatusNotFound, "workflow-not-found")
	w := as[workflow](t, threeNamespacesWriter.get(t, otherWorkflows+"/"+id).expect(t, http.StatusOK))
	require.Equal(t, s.RunID, w.RunID)
	threeNamespacesWriter.post(t, otherWorkflows+"/"+id+"/terminate", "").expect(t, http.StatusNoContent)
}

func TestCredentialsAreInNoResponseAndNoLog(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t)
	const (
		// A prefix of the routes of both paths. The closing quotation mark is missing, so that it matches ":count" too.
		loggedRoute = `"/v1/namespaces/{namespace}/workflows`
		requests    = 4 // three with a wrong credential, one with a valid one
	)
	const secret = "Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7"
	for _, c := range []caller{bearer("fg_dev_" + secret), anonymous().with("X-API-Key", secret), bearer(secret).with("X-API-Key", secret)} {
		a := c.onGateway(gateway).get(t, workflows)
		require.GreaterOrEqual(t, a.status, http.StatusBadRequest)
		require.NotContains(t, string(a.body), secret)
		header, err := json.Marshal(a.header)
		require.NoError(t, err)
		require.NotContains(t, string(header), secret)
	}
	writer().onGateway(gateway).get(t, workflows+":count").expect(t, http.StatusOK)
	e2etest.Eventually(t, "the requests are in the log", func() bool {
		return strings.Count(strings.Join(gateway.Logs(), "\n"), loggedRoute) >= requests
	})
	require.NotContains(t, strings.Join(gateway.Logs(), "\n"), secret)
	require.NotContains(t, strings.Join(gateway.Logs(), "\n"), stack.WriterKey)
}
