package server_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// rawRequest writes a request of a key, which may be empty, by hand: no client
// cleans its target.
func rawRequest(method, target, key string, body []byte) []byte {
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

// send makes a request as the writer. headers are pairs.
func (g *gateway) send(ctx context.Context, method, path, body string, headers ...string) (answered, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://gateway"+path, strings.NewReader(body))
	if err != nil {
		return answered{}, err
	}
	request.Header.Set("Authorization", "Bearer "+writerKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := g.client.Do(request)
	if err != nil {
		return answered{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return answered{status: response.StatusCode, header: response.Header, body: string(text), closes: response.Close}, err
}

// do is send where an error of the transport fails the test.
func (g *gateway) do(t testing.TB, method, path, body string, headers ...string) answered {
	t.Helper()
	a, err := g.send(t.Context(), method, path, body, headers...)
	require.NoError(t, err)
	return a
}

// ask is a request, as the writer unless it brings a credential or is a
// stranger's.
type ask struct {
	method, path, body string
	headers            []string // pairs; a name may be there twice
	stranger           bool
}

func (q ask) send(t *testing.T, g *gateway) answered {
	t.Helper()
	method := q.method
	if method == "" {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://gateway"+q.path, strings.NewReader(q.body))
	require.NoError(t, err)
	for i := 0; i < len(q.headers); i += 2 {
		name := http.CanonicalHeaderKey(q.headers[i])
		request.Header[name] = append(request.Header[name], q.headers[i+1])
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	if q.body != "" && request.Header["Content-Type"] == nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if !q.stranger && request.Header["Authorization"] == nil {
		request.Header.Set("Authorization", "Bearer "+writerKey)
	}
	return g.exchange(t, request)
}

// exchange sends a request as it is.
func (g *gateway) exchange(t *testing.T, request *http.Request) answered {
	t.Helper()
	response, err := g.client.Do(request)
	require.NoError(t, err)
	return read(t, response)
}

// delegate makes a token for the workflow order.
func (g *gateway) delegate(t *testing.T, body string, credential ...string) string {
	t.Helper()
	a := g.do(t, http.MethodPost, order+"/tokens", body, credential...)
	require.Equal(t, http.StatusCreated, a.status, a.body)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	made := a.field(t, "token")
	require.True(t, strings.HasPrefix(made, "fgt."), made)
	return made
}

// raw sends a request by hand, so that no client writes its target anew.
func (q ask) raw(t *testing.T, g *gateway) answered {
	t.Helper()
	conn, err := g.listener.dial(t.Context())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	go func() { _, _ = conn.Write(rawRequest(http.MethodGet, q.path, writerKey, nil)) }()
	return readOne(t, conn)
}

// readOne reads one answer from a connection.
func readOne(t *testing.T, conn io.Reader) answered {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	return read(t, response)
}

func bearer(key string) []string { return []string{"Authorization", "Bearer " + key} }

// many sends n equal requests at once and gathers their answers.
func (g *gateway) many(t *testing.T, n int, path string, headers ...string) []answered {
	t.Helper()
	answers := make([]answered, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			a, err := g.send(t.Context(), http.MethodGet, path, "", headers...)
			if err == nil {
				answers[i] = a
			}
		})
	}
	wg.Wait()
	return answers
}
