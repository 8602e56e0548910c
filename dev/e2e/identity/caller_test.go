package identity_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// caller sends requests with an API key, or without one if it is empty.
type caller struct{ key string }

type apiResponse struct {
	status int
	body   []byte
}

func bearer(key string) caller { return caller{key: key} }

func workflows(namespace string) string { return "/v1/namespaces/" + namespace + "/workflows" }

// send is for goroutines that must not call t.FailNow.
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
	a, err := c.send(t.Context(), http.MethodGet, path, "")
	require.NoError(t, err)
	return a
}

// start starts a workflow without a worker and returns its id.
func (c caller) start(t *testing.T, namespace string) (apiResponse, string) {
	t.Helper()
	id := uuid.NewString()
	a, err := c.send(t.Context(), http.MethodPost, workflows(namespace), startBody(id))
	require.NoError(t, err)
	return a, id
}

func startBody(id string) string {
	return `{"workflowType":"Nobody","taskQueue":"nobody","workflowId":"` + id + `"}`
}

func (a apiResponse) expect(t *testing.T, status int) apiResponse {
	t.Helper()
	require.Equal(t, status, a.status, "%s", a.body)
	return a
}

// problem requires a problem with a status and a code.
func (a apiResponse) problem(t *testing.T, status int, code string) {
	t.Helper()
	require.Equal(t, code, as[struct{ Code string }](t, a.expect(t, status)).Code, "%s", a.body)
}

func as[T any](t *testing.T, a apiResponse) T {
	t.Helper()
	var value T
	require.NoError(t, json.Unmarshal(a.body, &value), "%s", a.body)
	return value
}

// metric returns the sum of a metric's samples with a label, in the form name="value".
func metric(t *testing.T, name, label string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shared.gateway.AdminURL+"/metrics", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	sum := 0.0
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), " ")
		if strings.HasPrefix(series, name+"{") && strings.Contains(series, label) {
			number, err := strconv.ParseFloat(value, 64)
			require.NoError(t, err)
			sum += number
		}
	}
	return int(sum)
}

// upstreamCalls returns the number of the gateway's calls of a method.
func upstreamCalls(t *testing.T, method string) int {
	t.Helper()
	return metric(t, "rpc_client_call_duration_seconds_count", `rpc_method="`+method+`"`)
}

// eventually polls until so returns true and returns the elapsed time.
func eventually(t *testing.T, what string, so func() bool) time.Duration {
	t.Helper()
	const patience, pause = 30 * time.Second, 10 * time.Millisecond
	began := time.Now()
	require.Eventually(t, so, patience, pause, what)
	return time.Since(began)
}
