package temporalhttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// client sends requests to Temporal or to the gateway.
type client struct {
	name, url string
	// key is the API key. If it is empty, requests have no credential.
	key string
}

// request is an HTTP request. verb is the HTTP method. path is percent-encoded and includes the query.
type request struct {
	verb, path, body string
	header           http.Header
}

type apiResponse struct {
	status int
	header http.Header
	body   string
}

func (s client) send(t *testing.T, r request) apiResponse {
	t.Helper()
	a, err := s.sendContext(t.Context(), r)
	require.NoError(t, err)
	return a
}

// sendContext is like send, but takes a context and returns an error, so that it can be used after a test has ended.
func (s client) sendContext(ctx context.Context, r request) (apiResponse, error) {
	outgoing, err := http.NewRequestWithContext(ctx, r.verb, s.url+r.path, strings.NewReader(r.body))
	if err != nil {
		return apiResponse{}, err
	}
	if r.header != nil {
		outgoing.Header = r.header.Clone()
	}
	if s.key != "" && outgoing.Header.Get("Authorization") == "" {
		outgoing.Header.Set("Authorization", "Bearer "+s.key)
	}
	if r.body != "" && outgoing.Header.Get("Content-Type") == "" {
		outgoing.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(outgoing)
	if err != nil {
		return apiResponse{}, err
	}
	body, err := io.ReadAll(response.Body)
	return apiResponse{status: response.StatusCode, header: response.Header, body: string(body)}, errors.Join(err, response.Body.Close())
}
