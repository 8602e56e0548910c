package upstreamtest

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
)

// pipeBytes is how much a connection holds in each direction.
const pipeBytes = 1 << 20

// Server is a gRPC server that takes every method. Methods without a handler
// are UNIMPLEMENTED, but for GetSystemInfo, which the gateway itself asks for.
// It is safe for concurrent use.
type Server struct {
	listener *bufconn.Listener

	mu       sync.Mutex
	handlers map[string]Handler // by short name
	calls    []Call
	conns    []net.Conn
	diverted Dialer // nil leads to listener
}

// Dialer opens connections to an upstream.
type Dialer func(ctx context.Context, address string) (net.Conn, error)

// Call is what the server remembers of one call.
type Call struct {
	// Method is the short name, such as StartWorkflowExecution.
	Method string
	// Request is the message in wire form.
	Request  []byte
	Metadata metadata.MD
	// Time is when the call came, and Deadline the caller's, zero for none.
	Time, Deadline time.Time
}

// New starts a server that is stopped when the test ends. Its options are
// those of a gRPC server: limits, keep-alive, credentials.
func New(t testing.TB, options ...grpc.ServerOption) *Server {
	t.Helper()
	s := &Server{listener: bufconn.Listen(pipeBytes), handlers: map[string]Handler{}}
	s.Handle("GetSystemInfo", Respond(&workflowservice.GetSystemInfoResponse{ServerVersion: "1.32.1"}))
	server := s.NewGRPC(options...)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(s.listener) })
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	return s
}

// keepAlivePolicy is how often a Temporal server lets its clients ping it; gRPC's own
// default would end the connections of the gateway.
func keepAlivePolicy() grpc.ServerOption {
	return grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true})
}

// NewGRPC makes a gRPC server that answers as s does, for a test that has a
// listener of its own. The caller serves and stops it.
func (s *Server) NewGRPC(options ...grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(slices.Concat([]grpc.ServerOption{keepAlivePolicy()}, options, []grpc.ServerOption{
		grpc.ForceServerCodecV2(wireCodec{}), grpc.UnknownServiceHandler(s.serve),
	})...)
}

// Dial connects to the server, or to where its connections are diverted,
// whatever the address: it is the Dial of upstream.Options.
func (s *Server) Dial(ctx context.Context, address string) (net.Conn, error) {
	s.mu.Lock()
	dial := s.diverted
	s.mu.Unlock()
	if dial == nil {
		dial = s.Straight
	}
	conn, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, conn)
	return conn, nil
}

// Straight connects to the server even while connections are diverted, for a
// dialer that wraps what it leads to.
func (s *Server) Straight(ctx context.Context, _ string) (net.Conn, error) {
	return s.listener.DialContext(ctx)
}

// Divert makes new connections lead to where dial does, and back to the server
// when dial is nil. Those that are open stay: see [Server.Cut].
func (s *Server) Divert(dial Dialer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.diverted = dial
}

// Cut breaks all connections off, calls in flight included, without a word.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		_ = conn.Close()
	}
	s.conns = nil
}

// Handle sets what answers a method, named in short or in full, from now on.
func (s *Server) Handle(method string, handler Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[shortName(method)] = handler
}

// Handler gives what answers a method now, nil for nothing.
func (s *Server) Handler(method string) Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handlers[shortName(method)]
}

// Calls gives the calls of a method so far, in the order they came.
func (s *Server) Calls(method string) []Call {
	method = shortName(method)
	return slices.DeleteFunc(s.AllCalls(), func(call Call) bool { return call.Method != method })
}

// AllCalls gives the calls of all methods so far.
func (s *Server) AllCalls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *Server) serve(_ any, stream grpc.ServerStream) error {
	ctx := stream.Context()
	method, _ := grpc.Method(ctx)
	call := Call{Method: shortName(method), Time: time.Now()}
	if err := stream.RecvMsg(&call.Request); err != nil {
		return err
	}
	call.Metadata, _ = metadata.FromIncomingContext(ctx)
	call.Deadline, _ = ctx.Deadline()
	s.record(call)
	handler := s.Handler(call.Method)
	if handler == nil {
		return status.Errorf(codes.Unimplemented, "unknown method %s", call.Method)
	}
	answer, err := handler(ctx, call.Request)
	if err != nil {
		return err
	}
	return stream.SendMsg(&answer)
}

func (s *Server) record(call Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
}

func shortName(method string) string { return method[strings.LastIndexByte(method, '/')+1:] }
