package deploytest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Call sends a request with a body in JSON and returns the status and the body of the response. The key and the body may
// be empty.
func Call(t testing.TB, method, url, key, body string) (status int, response string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	received, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	text, err := io.ReadAll(received.Body)
	require.NoError(t, err)
	require.NoError(t, received.Body.Close())
	return received.StatusCode, string(text)
}

// Get is [Call] for a GET request. The test fails unless the status is 200.
func Get(t testing.TB, url, key string) (response string) {
	t.Helper()
	status, response := Call(t, http.MethodGet, url, key, "")
	require.Equal(t, http.StatusOK, status, response)
	return response
}
