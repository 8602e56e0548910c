package metrics

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy forwards connections to a Temporal server.
type proxy struct {
	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu          sync.Mutex
	down        bool
	connections []net.Conn
}

// startTLSProxy starts a proxy that terminates TLS. It requires a client certificate.
func startTLSProxy(t testing.TB, target string, certificate certificate) *proxy {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{certificate.tls}, ClientAuth: tls.RequireAnyClientCert,
		NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS13,
	})
	require.NoError(t, err)
	return newProxy(t, target, listener)
}

func startProxy(t testing.TB, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	require.NoError(t, err)
	return newProxy(t, target, listener)
}

// newProxy starts a proxy that ends with the test.
func newProxy(t testing.TB, target string, listener net.Listener) *proxy {
	t.Helper()
	p := &proxy{target: target, listener: listener}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.interrupt(true)
		p.running.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// interrupt closes all connections, and new ones immediately, until it is called with false.
func (p *proxy) interrupt(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	if down {
		for _, connection := range p.connections {
			_ = connection.Close()
		}
		p.connections = nil
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // the listener is closed
		}
		p.forward(client)
	}
}

func (p *proxy) forward(client net.Conn) {
	server, err := net.Dial("tcp", p.target) //nolint:noctx // loopback
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		_, _ = client.Close(), server.Close()
		return
	}
	p.connections = append(p.connections, client, server)
	p.running.Go(func() { copyAndClose(client, server) })
	p.running.Go(func() { copyAndClose(server, client) })
}

func copyAndClose(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_, _ = to.Close(), from.Close()
}
