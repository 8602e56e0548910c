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

// newProxy starts a proxy that answers each request by answer and then ends
// the connection.
func newProxy(t testing.TB, answer func(conn net.Conn, request *http.Request)) *connectProxy {
	t.Helper()
	p := &connectProxy{listener: bufconn.Listen(1 << 16)}
	p.serving.Go(func() {
		for {
			conn, err := p.listener.Accept()
			if err != nil {
				return
			}
			p.serving.Go(func() { p.serve(conn, answer) })
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

func (p *connectProxy) serve(conn net.Conn, answer func(net.Conn, *http.Request)) {
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	request, err := http.ReadRequest(reader)
	if err != nil || reader.Buffered() > 0 { // a client that does not wait for the answer is not served
		return
	}
	p.mu.Lock()
	p.requests = append(p.requests, request)
	p.conns = append(p.conns, conn)
	p.mu.Unlock()
	answer(conn, request)
}

func (p *connectProxy) dial(ctx context.Context, address string) (net.Conn, error) {
	p.mu.Lock()
	p.dialled = append(p.dialled, address)
	p.mu.Unlock()
	return p.listener.DialContext(ctx)
}

// seen gives the addresses that clients meant to reach the proxy by, and what
// they asked it for.
func (p *connectProxy) seen() (dialled []string, requests []*http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.dialled), slices.Clone(p.requests)
}

// use makes a client go through the proxy.
func (p *connectProxy) use(basicAuth string) func(*upstream.Options) {
	return func(options *upstream.Options) {
		options.Dial = p.dial
		options.Proxy = upstream.Proxy{Address: "proxy.example:3128", BasicAuth: basicAuth}
	}
}

// tunnel answers and leads to where dial does. With eager, the answer comes in
// one packet with the first bytes that the server behind says.
func tunnel(dial func(context.Context) (net.Conn, error), answer string, eager bool) func(net.Conn, *http.Request) {
	return func(conn net.Conn, request *http.Request) {
		behind, err := dial(request.Context())
		if err != nil {
			return
		}
		defer func() { _ = behind.Close() }()
		packet := []byte(answer)
		if eager { // half a frame, so that its loss would not go unnoticed
			first := make([]byte, 5)
			n, _ := io.ReadFull(behind, first)
			packet = append(packet, first[:n]...)
		}
		if _, err := conn.Write(packet); err != nil {
			return
		}
		var pumps sync.WaitGroup
		for from, to := range map[net.Conn]net.Conn{conn: behind, behind: conn} {
			pumps.Go(func() {
				_, _ = io.Copy(to, from)
				_ = to.Close()
			})
		}
		pumps.Wait()
	}
}

// behind dials a server from the proxy.
func behind(server *upstreamtest.Server) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return server.Dial(ctx, "") }
}

const established = "HTTP/1.1 200 Connection established\r\n\r\n"

func TestCallsGoThroughTheProxy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ basicAuth, header, answer string }{
		"without authentication":       {"", "", established},
		"with authentication":          {"user:pass word:ü", "Basic dXNlcjpwYXNzIHdvcmQ6w7w=", established},
		"of the old protocol":          {"", "", "HTTP/1.0 200 OK\r\n\r\n"},
		"that says more than it must":  {"", "", "HTTP/1.1 200 OK\r\nVia: 1.1 proxy\r\nContent-Length: 0\r\n\r\n"},
		"that promises a body":         {"", "", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"},
		"that promises chunks":         {"", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
		"that means to close and does": {"", "", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				server.Handle("DescribeWorkflowExecution", described())
				proxy := newProxy(t, tunnel(behind(server), test.answer, true))
				client := newClient(t, nil, proxy.use(test.basicAuth))
				for range 3 {
					require.NoError(t, ask(inOrders(t.Context()), client))
					time.Sleep(time.Minute) // the tunnel outlives the time that it may take to open
				}
				require.Len(t, server.AllCalls(), 3)
				for _, call := range server.AllCalls() {
					require.Empty(t, call.Metadata["proxy-authorization"])
					require.Equal(t, []string{"temporal.example:7233"}, call.Metadata[":authority"])
				}

				dialled, requests := proxy.seen()
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

func TestAProxyThatRefusesIsAnUpstreamThatIsAway(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"wants a password": "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 6\r\n\r\n" + marker,
		"forbids":          "HTTP/1.1 403 Forbidden " + marker + "\r\n\r\n",
		"finds nobody":     "HTTP/1.1 502 Bad Gateway\r\n\r\n",
		"moves":            "HTTP/1.1 302 Found\r\nLocation: http://" + marker + "/\r\n\r\n",
		"speaks nonsense":  "SSH-2.0-" + marker + "\r\n",
		"says nothing":     "",
		"is cut off":       "HTTP/1.1 200 OK\r\nVia",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := newProxy(t, func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, answer) })
			client := newClient(t, nil, proxy.use("user:"+marker))
			e := problemOf(t, problem.UpstreamUnavailable, ask(inOrders(t.Context()), client))
			require.NotContains(t, e.Detail, marker)
			require.NotContains(t, e.Detail, "proxy")
			require.Contains(t, e.Error(), "proxy: ")
			require.NotContains(t, e.Error(), "user:"+marker, "the password is nobody's business")
		})
	}
}

func TestAProxyThatCannotBeReached(t *testing.T) {
	t.Parallel()
	client := newClient(t, nil, func(options *upstream.Options) {
		options.Proxy = upstream.Proxy{Address: "proxy.example:3128"}
		options.Dial = func(context.Context, string) (net.Conn, error) { return nil, errors.New(marker) }
	})
	e := problemOf(t, problem.UpstreamUnavailable, ask(inOrders(t.Context()), client))
	require.NotContains(t, e.Detail, marker)
	require.Contains(t, e.Error(), "proxy: "+marker)
}

func TestASilentProxyIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		proxy := newProxy(t, func(conn net.Conn, _ *http.Request) {
			_, _ = conn.Read(make([]byte, 1)) // ends when the client hangs up
			close(released)
		})
		client := newClient(t, nil, proxy.use(""))
		begin := time.Now()
		requireProblem(t, problem.UpstreamUnavailable, ask(inOrders(t.Context()), client))
		require.Equal(t, 5*time.Second, time.Since(begin))
		<-released
		require.Equal(t, 5*time.Second, time.Since(begin), "the connection is not left behind")
	})
}

func TestAStoppedGatewayDoesNotWaitForTheProxy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		proxy := newProxy(t, func(conn net.Conn, _ *http.Request) {
			_, _ = conn.Read(make([]byte, 1))
			close(released)
		})
		client := newClient(t, nil, proxy.use(""))
		ctx, cancel := context.WithTimeout(inOrders(t.Context()), time.Second)
		defer cancel()
		begin := time.Now()
		requireProblem(t, problem.DeadlineExceeded, ask(ctx, client))
		_ = client.Close()
		<-released
		require.Equal(t, time.Second, time.Since(begin))
	})
}
