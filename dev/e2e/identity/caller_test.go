package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// caller sends requests to the gateway with an API key, or without a credential if the key is empty.
type caller struct{ key string }

type apiResponse struct {
	status int
	body   []byte
}

func bearer(key string) caller { return caller{key: key} }

func workflows(namespace string) string { return "/v1/namespaces/" + namespace + "/workflows" }

// send returns errors instead of failing the test, because only the goroutine of a test may call t.FailNow.
func (c caller) send(ctx context.Context, method, path, body string) (apiResponse, error) {
	request, err := http.NewRequestWithContext(ctx, method, shared.gateway.URL+path, strings.NewReader(body))
	if err != nil {
		return apiResponse{}, err
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return apiResponse{}, err
	}
	received, err := io.ReadAll(response.Body)
	return apiResponse{status: response.StatusCode, body: received}, errors.Join(err, response.Body.Close())
}

func (c caller) get(t *testing.T, path string) apiResponse {
	t.Helper()
	response, err := c.send(t.Context(), http.MethodGet, path, "")
	require.NoError(t, err)
	return response
}

// start sends the start of a workflow for which there is no worker. It returns the response and the workflow id.
func (c caller) start(t *testing.T, namespace string) (apiResponse, string) {
	t.Helper()
	id := uuid.NewString()
	response, err := c.send(t.Context(), http.MethodPost, workflows(namespace), startBody(id))
	require.NoError(t, err)
	return response, id
}

func startBody(id string) string {
	return `{"workflowType":"Unpolled","taskQueue":"unpolled","workflowId":"` + id + `"}`
}

func (r apiResponse) expect(t *testing.T, status int) apiResponse {
	t.Helper()
	require.Equal(t, status, r.status, "%s", r.body)
	return r
}

// problem requires a problem with the status and the code.
func (r apiResponse) problem(t *testing.T, status int, code string) {
	t.Helper()
	require.Equal(t, code, as[struct{ Code string }](t, r.expect(t, status)).Code, "%s", r.body)
}

func as[T any](t *testing.T, response apiResponse) T {
	t.Helper()
	var value T
	require.NoError(t, json.Unmarshal(response.body, &value), "%s", response.body)
	return value
}

// upstreamCalls returns how often the gateway has called an RPC method of the server.
func upstreamCalls(t *testing.T, method string) int {
	t.Helper()
	return int(e2etest.Metric(t, shared.gateway, "rpc_client_call_duration_seconds_count", `rpc_method="`+method+`"`))
}
