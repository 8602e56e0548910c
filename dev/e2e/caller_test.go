package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/stack"
)

// threeNamespacesKey is an API key with the role "write" on three namespaces: "default", "other" and "absent".
const threeNamespacesKey = "fg_many_00000000000000000000000000000000"

// writerKeyID is the id of the key of writer(). Temporal records it as the identity of that caller.
const writerKeyID = "dev"

// caller sends requests to one gateway with one credential. Methods that change a caller return a modified copy.
type caller struct {
	url    string
	header http.Header
	client *http.Client
}

// apiResponse is a response that has been checked against the OpenAPI document.
type apiResponse struct {
	status int
	header http.Header
	body   []byte
}

// anonymous returns a caller that sends requests to the first replica without a credential.
func anonymous() caller {
	return caller{url: shared.replicas[0].URL, header: http.Header{}, client: http.DefaultClient}
}

func bearer(key string) caller { return anonymous().with("Authorization", "Bearer "+key) }
func writer() caller           { return bearer(stack.WriterKey) }
func reader() caller           { return bearer(stack.ReaderKey) }

// onGateway returns a caller that sends requests to the given gateway.
func (c caller) onGateway(gateway *stack.Gateway) caller {
	c.url = gateway.URL
	return c
}

// with returns a caller that sends an additional header field.
func (c caller) with(name, value string) caller {
	c.header = c.header.Clone()
	c.header.Add(name, value)
	return c
}

func (c caller) get(t *testing.T, path string) apiResponse {
	t.Helper()
	return c.mustSend(t, http.MethodGet, path, "")
}

func (c caller) post(t *testing.T, path, body string) apiResponse {
	t.Helper()
	return c.mustSend(t, http.MethodPost, path, body)
}

func (c caller) mustSend(t *testing.T, method, path, body string) apiResponse {
	t.Helper()
	a, err := c.send(t.Context(), method, path, body)
	require.NoError(t, err)
	return a
}

// send returns errors instead of failing the test, because only the goroutine of a test may call t.FailNow. A response
// that violates the OpenAPI document is an error.
func (c caller) send(ctx context.Context, method, path, body string) (apiResponse, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, strings.NewReader(body))
	if err != nil {
		return apiResponse{}, err
	}
	request.Header = c.header.Clone()
	if body != "" && request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", typeJSON)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return apiResponse{}, err
	}
	received, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return apiResponse{}, fmt.Errorf("read the response: %w", err)
	}
	a := apiResponse{status: response.StatusCode, header: response.Header, body: received}
	return a, shared.contract.check(ctx, request, body, a.status, a.header, a.body)
}

// expect requires the status and returns the response.
func (a apiResponse) expect(t *testing.T, status int) apiResponse {
	t.Helper()
	require.Equal(t, status, a.status, "%s", a.body)
	return a
}

// problem requires a problem with the status and the code, and returns it.
func (a apiResponse) problem(t *testing.T, status int, code string) problem {
	t.Helper()
	p := as[problem](t, a.expect(t, status))
	require.Equal(t, code, p.Code, "%s", a.body)
	return p
}

// as decodes the body of a response into a T.
func as[T any](t *testing.T, a apiResponse) T {
	t.Helper()
	var value T
	require.NoError(t, json.Unmarshal(a.body, &value), "%s", a.body)
	return value
}
