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

// pipeBytes is the size of the buffer for each direction of a connection, in bytes.
const pipeBytes = 1 << 20

// Server is a gRPC server for all methods. A method without a handler returns
// UNIMPLEMENTED. GetSystemInfo has a handler from the start, because the gateway itself
// calls it. Server is safe for concurrent use.
type Server struct {
	listener *bufconn.Listener

	mu       sync.Mutex
	handlers map[string]Handler // by short name
	calls    []Call
	conns    []net.Conn
	diverted Dialer // nil means that connections go to the listener
}

// Dialer opens connections to an upstream.
type Dialer func(ctx context.Context, address string) (net.Conn, error)

// Call is a call that the server has received.
type Call struct {
	// Method is the short name, such as StartWorkflowExecution.
	Method string
	// Request is the message in wire form.
	Request  []byte
	Metadata metadata.MD
	// Time is when the call arrived. Deadline is the deadline that the client set, or
	// zero.
	Time, Deadline time.Time
}

// New starts a server, which stops when the test ends. The options are those of
// a gRPC server, such as limits, keep-alive and credentials.
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

// keepAlivePolicy returns the policy of a Temporal server for pings of clients.
// The default of gRPC would close the connections of the gateway.
func keepAlivePolicy() grpc.ServerOption {
	return grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true})
}

// NewGRPC returns a gRPC server with the handlers of s, for a test that needs another
// listener. The caller starts and stops it.
func (s *Server) NewGRPC(options ...grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(slices.Concat([]grpc.ServerOption{keepAlivePolicy()}, options, []grpc.ServerOption{
		grpc.ForceServerCodecV2(wireCodec{}), grpc.UnknownServiceHandler(s.serve),
	})...)
}

// Dial connects to the server, or calls the dialer that [Server.UseDialer] has set. A
// connection to the server ignores the address. Dial is for the field upstream.Options.Dial.
func (s *Server) Dial(ctx context.Context, address string) (net.Conn, error) {
	s.mu.Lock()
	dial := s.diverted
	s.mu.Unlock()
	if dial == nil {
		dial = s.DialDirect
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

// DialDirect connects to the server even if [Server.UseDialer] has set a dialer. Dialers that
// wrap connections to the server use it.
func (s *Server) DialDirect(ctx context.Context, _ string) (net.Conn, error) {
	return s.listener.DialContext(ctx)
}

// UseDialer sets the dialer for new connections. With nil, new connections go to the server
// again. Open connections remain open until [Server.CloseConnections].
func (s *Server) UseDialer(dial Dialer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.diverted = dial
}

// CloseConnections closes all connections immediately and without GOAWAY, even if calls are in flight.
func (s *Server) CloseConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		_ = conn.Close()
	}
	s.conns = nil
}

// Handle sets the handler of a method, given by its short or full name.
func (s *Server) Handle(method string, handler Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[shortName(method)] = handler
}

// Handler returns the current handler of a method, or nil.
func (s *Server) Handler(method string) Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handlers[shortName(method)]
}

// Calls returns the calls of a method so far, in the order of arrival.
func (s *Server) Calls(method string) []Call {
	method = shortName(method)
	return slices.DeleteFunc(s.AllCalls(), func(call Call) bool { return call.Method != method })
}

// AllCalls returns the calls of all methods so far, in the order of arrival.
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
	response, err := handler(ctx, call.Request)
	if err != nil {
		return err
	}
	return stream.SendMsg(&response)
}

func (s *Server) record(call Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
}

// shortName returns the name of a method without its service.
func shortName(method string) string { return method[strings.LastIndexByte(method, '/')+1:] }
