package upstream_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/test/bufconn"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// connectProxy is an HTTP CONNECT proxy.
type connectProxy struct {
	listener *bufconn.Listener
	serving  sync.WaitGroup

	mu       sync.Mutex
	dialled  []string
	requests []*http.Request
	conns    []net.Conn
}

// newProxy starts a proxy that calls respond for each request and then closes the
// connection.
func newProxy(t testing.TB, respond func(conn net.Conn, request *http.Request)) *connectProxy {
	t.Helper()
	p := &connectProxy{listener: bufconn.Listen(1 << 16)}
	p.serving.Go(func() {
		for {
			conn, err := p.listener.Accept()
			if err != nil {
				return
			}
			p.serving.Go(func() { p.serve(conn, respond) })
		}
	})
	t.Cleanup(func() {
		_ = p.listener.Close()
		p.mu.Lock()
		for _, conn := range p.conns {
			_ = conn.Close()
		}
		p.mu.Unlock()
		p.serving.Wait()
	})
	return p
}

func (p *connectProxy) serve(conn net.Conn, respond func(net.Conn, *http.Request)) {
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	request, err := http.ReadRequest(reader)
	if err != nil || reader.Buffered() > 0 { // the client must wait for the response before it sends more
		return
	}
	p.mu.Lock()
	p.requests = append(p.requests, request)
	p.conns = append(p.conns, conn)
	p.mu.Unlock()
	respond(conn, request)
}

func (p *connectProxy) dial(ctx context.Context, address string) (net.Conn, error) {
	p.mu.Lock()
	p.dialled = append(p.dialled, address)
	p.mu.Unlock()
	return p.listener.DialContext(ctx)
}

// recorded returns the addresses that clients dialled to reach the proxy, and the requests
// that they sent.
func (p *connectProxy) recorded() (dialled []string, requests []*http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.dialled), slices.Clone(p.requests)
}

// option returns a function that configures a client to use the proxy.
func (p *connectProxy) option(basicAuth string) func(*upstream.Options) {
	return func(options *upstream.Options) {
		options.Dial = p.dial
		options.Proxy = upstream.Proxy{Address: "proxy.example:3128", BasicAuth: basicAuth}
	}
}

// tunnel returns a function for [newProxy]. It sends the response and then copies data
// between the client and the connection that dial opens. If eager is set, it sends the
// first bytes from the server together with the response.
func tunnel(dial func(context.Context) (net.Conn, error), response string, eager bool) func(net.Conn, *http.Request) {
	return func(conn net.Conn, request *http.Request) {
		server, err := dial(request.Context())
		if err != nil {
			return
		}
		defer func() { _ = server.Close() }()
		packet := []byte(response)
		if eager { // part of an HTTP/2 frame: if the client drops these bytes, the connection fails
			early := make([]byte, 5)
			n, _ := io.ReadFull(server, early)
			packet = append(packet, early[:n]...)
		}
		if _, err := conn.Write(packet); err != nil {
			return
		}
		var copies sync.WaitGroup
		for from, to := range map[net.Conn]net.Conn{conn: server, server: conn} {
			copies.Go(func() {
				_, _ = io.Copy(to, from)
				_ = to.Close()
			})
		}
		copies.Wait()
	}
}

// dialer returns the Dial method of a server in the form that [tunnel] needs.
func dialer(server *upstreamtest.Server) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return server.Dial(ctx, "") }
}

const established = "HTTP/1.1 200 Connection established\r\n\r\n"

func TestCallsGoThroughTheProxy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		basicAuth string // user:password, or empty
		header    string // the expected Proxy-Authorization
		response  string // of the proxy
	}{
		"without authentication": {"", "", established},
		"with authentication":    {"user:pass word:ü", "Basic dXNlcjpwYXNzIHdvcmQ6w7w=", established},
		"HTTP/1.0":               {"", "", "HTTP/1.0 200 OK\r\n\r\n"},
		"other headers":          {"", "", "HTTP/1.1 200 OK\r\nVia: 1.1 proxy\r\nContent-Length: 0\r\n\r\n"},
		// In a 2xx response to CONNECT, a client ignores Content-Length and Transfer-Encoding (RFC 9110 section
		// 9.3.6). Connection: close has no effect either: after the response, the connection is the tunnel.
		"Content-Length":    {"", "", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"},
		"Transfer-Encoding": {"", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
		"Connection: close": {"", "", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				server.Handle("DescribeWorkflowExecution", describeHandler())
				proxy := newProxy(t, tunnel(dialer(server), test.response, true))
				client := newClient(t, nil, proxy.option(test.basicAuth))
				for range 3 {
					require.NoError(t, describeWorkflow(inOrdersNamespace(t.Context()), client))
					time.Sleep(time.Minute) // longer than the deadline for opening the tunnel, which must not stay set on the connection
				}
				require.Len(t, server.AllCalls(), 3)
				for _, call := range server.AllCalls() {
					require.Empty(t, call.Metadata["proxy-authorization"])
					require.Equal(t, []string{"temporal.example:7233"}, call.Metadata[":authority"])
				}

				dialled, requests := proxy.recorded()
				require.Equal(t, []string{"proxy.example:3128"}, dialled)
				require.Len(t, requests, 1)
				require.Equal(t, http.MethodConnect, requests[0].Method)
				require.Equal(t, "temporal.example:7233", requests[0].RequestURI)
				require.Equal(t, "temporal.example:7233", requests[0].Host)
				require.Equal(t, test.header, requests[0].Header.Get("Proxy-Authorization"))
			})
		})
	}
}

// The marker is a part of what the proxy sends, and of the password. The detail of the problem must not contain it,
// because callers read the detail. The error is for the log and may quote the proxy, but never the password.
func TestAProxyErrorMeansUpstreamUnavailable(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]string{
		"authentication required": "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 6\r\n\r\n" + marker,
		"forbidden":               "HTTP/1.1 403 Forbidden " + marker + "\r\n\r\n",
		"bad gateway":             "HTTP/1.1 502 Bad Gateway\r\n\r\n",
		"a redirect":              "HTTP/1.1 302 Found\r\nLocation: http://" + marker + "/\r\n\r\n",
		"not HTTP":                "SSH-2.0-" + marker + "\r\n",
		"no response":             "",
		"a truncated response":    "HTTP/1.1 200 OK\r\nVia",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := newProxy(t, func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, response) })
			client := newClient(t, nil, proxy.option("user:"+marker))
			e := upstreamtest.ProblemOf(t, problem.UpstreamUnavailable, describeWorkflow(inOrdersNamespace(t.Context()), client))
			require.NotContains(t, e.Detail, marker)
			require.NotContains(t, e.Detail, "proxy")
			require.Contains(t, e.Error(), "proxy: ")
			require.NotContains(t, e.Error(), "user:"+marker, "the error does not contain the password")
		})
	}
}

func TestAnUnreachableProxyMeansUpstreamUnavailable(t *testing.T) {
	t.Parallel()
	client := newClient(t, nil, func(options *upstream.Options) {
		options.Proxy = upstream.Proxy{Address: "proxy.example:3128"}
		options.Dial = func(context.Context, string) (net.Conn, error) { return nil, errors.New(marker) }
	})
	e := upstreamtest.ProblemOf(t, problem.UpstreamUnavailable, describeWorkflow(inOrdersNamespace(t.Context()), client))
	require.NotContains(t, e.Detail, marker)
	require.Contains(t, e.Error(), "proxy: "+marker)
}

func TestAnUnresponsiveProxyTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		proxy := newProxy(t, func(conn net.Conn, _ *http.Request) {
			_, _ = conn.Read(make([]byte, 1)) // returns when the client closes the connection
			close(closed)
		})
		client := newClient(t, nil, proxy.option(""))
		begin := time.Now()
		upstreamtest.RequireProblem(t, problem.UpstreamUnavailable, describeWorkflow(inOrdersNamespace(t.Context()), client))
		require.Equal(t, 5*time.Second, time.Since(begin), "the timeout of a connection attempt")
		<-closed
		require.Equal(t, 5*time.Second, time.Since(begin), "the connection is closed immediately after the timeout")
	})
}

func TestCloseDoesNotWaitForTheProxy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		proxy := newProxy(t, func(conn net.Conn, _ *http.Request) {
			_, _ = conn.Read(make([]byte, 1)) // returns when the client closes the connection
			close(closed)
		})
		client := newClient(t, nil, proxy.option(""))
		ctx, cancel := context.WithTimeout(inOrdersNamespace(t.Context()), time.Second)
		defer cancel()
		begin := time.Now()
		upstreamtest.RequireProblem(t, problem.DeadlineExceeded, describeWorkflow(ctx, client))
		_ = client.Close()
		<-closed
		require.Equal(t, time.Second, time.Since(begin))
	})
}
