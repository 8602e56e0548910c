package servertest

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Bearer returns the name and the value of an Authorization header with an API key or a token.
func Bearer(credential string) []string { return []string{"Authorization", "Bearer " + credential} }

// Send sends a request with [WriterKey] and reads the response. headers are pairs of name and value that replace the
// defaults. Send returns an error only if the transport fails, not for an error response.
func (g *Gateway) Send(ctx context.Context, method, path, body string, headers ...string) (Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://gateway"+path, strings.NewReader(body))
	if err != nil {
		return Response{}, err
	}
	request.Header.Set("Authorization", "Bearer "+WriterKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := g.Client.Do(request) //nolint:bodyclose // readResponse closes it
	if err != nil {
		return Response{}, err
	}
	return readResponse(response)
}

// Do is like [Gateway.Send]. An error fails the test.
func (g *Gateway) Do(t testing.TB, method, path, body string, headers ...string) Response {
	t.Helper()
	response, err := g.Send(t.Context(), method, path, body, headers...)
	require.NoError(t, err)
	return response
}

// SendMany sends n equal GET requests concurrently. If the transport fails, the response is the zero Response.
func (g *Gateway) SendMany(t *testing.T, n int, path string, headers ...string) []Response {
	t.Helper()
	responses := make([]Response, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			response, err := g.Send(t.Context(), http.MethodGet, path, "", headers...)
			if err == nil {
				responses[i] = response
			}
		})
	}
	wg.Wait()
	return responses
}

// RoundTrip sends a request without adding headers.
func (g *Gateway) RoundTrip(t *testing.T, request *http.Request) Response {
	t.Helper()
	response, err := g.Client.Do(request) //nolint:bodyclose // ReadResponse closes it
	require.NoError(t, err)
	return ReadResponse(t, response)
}

// CreateDelegatedToken requests a delegated token for the workflow "order" and returns the token. headers may replace
// [WriterKey] by another credential.
func (g *Gateway) CreateDelegatedToken(t *testing.T, body string, headers ...string) string {
	t.Helper()
	response := g.Do(t, http.MethodPost, OrderPath+"/tokens", body, headers...)
	require.Equal(t, http.StatusCreated, response.Status, response.Body)
	require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	token := response.Field(t, "token")
	require.True(t, strings.HasPrefix(token, "fgt."), token)
	return token
}

// Request is a request that may repeat headers or lack a credential, unlike the requests of [Gateway.Send].
type Request struct {
	Method, Path, Body string   // an empty Method means GET
	Headers            []string // pairs of name and value; a name may be repeated
	Anonymous          bool     // no credential is added; otherwise WriterKey is sent unless Headers has Authorization
}

// Send sends the request. An error of the transport fails the test.
func (r Request) Send(t *testing.T, g *Gateway) Response {
	t.Helper()
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://gateway"+r.Path, strings.NewReader(r.Body))
	require.NoError(t, err)
	for i := 0; i < len(r.Headers); i += 2 {
		name := http.CanonicalHeaderKey(r.Headers[i])
		request.Header[name] = append(request.Header[name], r.Headers[i+1])
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	if r.Body != "" && request.Header["Content-Type"] == nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if !r.Anonymous && request.Header["Authorization"] == nil {
		request.Header.Set("Authorization", "Bearer "+WriterKey)
	}
	return g.RoundTrip(t, request)
}

// SendRaw sends a GET request for Path with [WriterKey], and ignores the other fields of r. It sends Path byte for byte,
// where http.Client would normalise it.
func (r Request) SendRaw(t *testing.T, g *Gateway) Response {
	t.Helper()
	conn, err := g.Listener.Dial(t.Context())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	go func() { _, _ = conn.Write(RawRequest(http.MethodGet, r.Path, WriterKey, nil)) }()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // ReadResponse closes it
	require.NoError(t, err)
	return ReadResponse(t, response)
}

// RawRequest returns the bytes of an HTTP/1.1 request. If key is empty, the request has no credential. If body is nil,
// it has neither Content-Type nor Content-Length.
func RawRequest(method, target, key string, body []byte) []byte {
	var b bytes.Buffer
	b.WriteString(method + " " + target + " HTTP/1.1\r\nHost: gateway\r\n")
	if key != "" {
		b.WriteString("Authorization: Bearer " + key + "\r\n")
	}
	if body != nil {
		b.WriteString("Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n")
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}
