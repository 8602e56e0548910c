package server_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
	"google.golang.org/grpc/resolver/dns"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/server"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/testlog"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// nameServer is a DNS server that resolves a few names to IPv4 addresses.
type nameServer struct {
	mu        sync.Mutex
	addresses map[string][4]byte // by name with a trailing dot
}

// useNameServer makes the process resolve names with a nameServer until the test ends.
func useNameServer(t *testing.T) *nameServer {
	t.Helper()
	s := &nameServer{addresses: map[string][4]byte{}}
	original := net.DefaultResolver
	var serving sync.WaitGroup
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		serving.Go(func() {
			defer func() { _ = server.Close() }()
			s.serve(server)
		})
		return client, nil
	}}
	t.Cleanup(func() {
		serving.Wait()
		net.DefaultResolver = original
	})
	return s
}

func (s *nameServer) set(name string, address [4]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addresses[name+"."] = address
}

// serve serves the queries of one connection, in the format of DNS over TCP.
func (s *nameServer) serve(conn io.ReadWriter) {
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		answer, err := s.answer(query)
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil { //nolint:gosec // it is short
			return
		}
	}
}

func (s *nameServer) answer(query []byte) ([]byte, error) {
	var message dnsmessage.Message
	if err := message.Unpack(query); err != nil {
		return nil, err
	}
	question := message.Questions[0]
	s.mu.Lock()
	address, known := s.addresses[question.Name.String()]
	s.mu.Unlock()
	message.Response, message.RecursionAvailable, message.Additionals = true, true, nil
	switch {
	case !known:
		message.RCode = dnsmessage.RCodeNameError
	case question.Type == dnsmessage.TypeA:
		message.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class, TTL: 1},
			Body:   &dnsmessage.AResource{A: address},
		}}
	default: // the name has no IPv6 address
	}
	return message.Pack()
}

// startWithAddress runs a gateway that connects to the upstream at the address over TCP, until the test ends.
func startWithAddress(t *testing.T, address string) *servertest.Gateway {
	t.Helper()
	cfg := config.Default()
	cfg.Auth.APIKeys.File = servertest.WriteKeys(t)
	cfg.Upstream.Address, cfg.Upstream.Credential.AllowPlaintext = address, true
	cfg.Listen.DrainDelay = 0
	cfg.Upstream.Retry.MaxElapsed = 300 * time.Millisecond
	public, admin := servertest.NewListener(), servertest.NewListener()
	g := &servertest.Gateway{Client: servertest.ClientOf(public), Admin: servertest.ClientOf(admin), Listener: public, Log: &testlog.Buffer{}, Done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		g.Done <- server.Run(ctx, &cfg, server.Options{Version: "test", Public: public, Admin: admin, Log: g.Log})
	}()
	t.Cleanup(func() {
		g.Client.CloseIdleConnections()
		g.Admin.CloseIdleConnections()
		cancel()
		if err := <-g.Done; err != nil {
			t.Error(err)
		}
	})
	return g
}

// serveTCP serves up on an address until stop is called or the test ends.
func serveTCP(t *testing.T, up *upstreamtest.Server, address string) (port string, stop func()) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	served := up.NewGRPC()
	var serving sync.WaitGroup
	serving.Go(func() { _ = served.Serve(listener) })
	stop = sync.OnceFunc(func() {
		served.Stop()
		serving.Wait()
	})
	t.Cleanup(stop)
	_, port, err = net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port, stop
}

// The test runs in real time with real sockets, because only they use DNS.
func TestTheUpstreamAddressChanges(t *testing.T) { //nolint:paralleltest // it changes the resolver
	t.Cleanup(func() { dns.SetMinResolutionInterval(30 * time.Second) }) // restores the default after the gateway has stopped
	dns.SetMinResolutionInterval(50 * time.Millisecond)
	names := useNameServer(t)
	older, newer := upstreamtest.New(t), upstreamtest.New(t)
	temporalfake.NewWorkflow(older)
	temporalfake.NewWorkflow(newer)
	port, stop := serveTCP(t, older, "127.0.0.1:0")
	names.set(upstreamHost, [4]byte{127, 0, 0, 1})
	g := startWithAddress(t, net.JoinHostPort(upstreamHost, port))
	require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, readOp().path, "").Status)
	require.NotEmpty(t, older.Calls(readOp().rpc))

	serveTCP(t, newer, net.JoinHostPort("127.0.0.2", port))
	names.set(upstreamHost, [4]byte{127, 0, 0, 2})
	require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, readOp().path, "").Status)
	require.Empty(t, newer.Calls(readOp().rpc), "the gateway keeps a connection that works")

	stop()
	begin := time.Now()
	require.Eventually(t, func() bool {
		resp, err := g.Send(t.Context(), http.MethodGet, readOp().path, "")
		return err == nil && resp.Status == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond)
	t.Logf("the gateway uses the new address after %s", time.Since(begin).Round(time.Millisecond))
	require.NotEmpty(t, newer.Calls(readOp().rpc))
}

func TestTheUpstreamNameDoesNotExist(t *testing.T) { //nolint:paralleltest // it changes the resolver
	names := useNameServer(t)
	up := upstreamtest.New(t)
	temporalfake.NewWorkflow(up)
	port, _ := serveTCP(t, up, "127.0.0.1:0")
	g := startWithAddress(t, net.JoinHostPort(upstreamHost, port))
	for _, o := range []op{readOp(), startOp(), terminateOp()} {
		begin := time.Now()
		resp := g.Do(t, o.method, o.path, o.body)
		failed(problem.UpstreamUnavailable).after(0, 2*time.Second).check(t, resp, time.Since(begin))
		require.NotContains(t, resp.Body, upstreamHost)
	}

	names.set(upstreamHost, [4]byte{127, 0, 0, 1})
	begin := time.Now()
	require.Eventually(t, func() bool {
		resp, err := g.Send(t.Context(), http.MethodGet, readOp().path, "")
		return err == nil && resp.Status == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond)
	t.Logf("the gateway uses the new name after %s", time.Since(begin).Round(time.Millisecond))
}
