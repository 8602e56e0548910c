package temporalhttp_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/temporalhttp"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const (
	// maxBodyBytes is the limit of Temporal's HTTP API, and the door's default.
	maxBodyBytes = 4 << 20
	// callerName is the identity that the door stamps on its calls.
	callerName = "key-1"
)

// exchange is what the upstream gets and gives in one request.
type exchange struct {
	answer  proto.Message
	failure *status.Status // instead of an answer

	mu      sync.Mutex
	calls   int
	method  string // in full
	request proto.Message
}

type exchangeKey struct{}

// handle takes a call. One of another method than the case's is answered by an
// empty message of the type that it wants.
func (x *exchange) handle(method string, request proto.Message, output protoreflect.MessageDescriptor) (proto.Message, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.calls++
	x.method, x.request = method, request
	if x.answer.ProtoReflect().Descriptor() != output {
		return newMessage(output), x.failure.Err()
	}
	return x.answer, x.failure.Err()
}

// outcome is what one side makes of a request: the call and the response.
type outcome struct {
	calls   int
	method  string
	request proto.Message
	status  int
	header  http.Header
	body    []byte
}

// sides are the two that are compared: Temporal's own HTTP API and the door.
// They serve one request at a time.
type sides struct {
	temporal http.Handler
	door     http.Handler
	rpc      *temporalhttp.API

	mu      sync.Mutex
	current *exchange // of the door
}

func newSides(t testing.TB) *sides {
	t.Helper()
	s := &sides{temporal: newTemporalMux(t)}
	server := upstreamtest.New(t)
	for _, r := range rules() {
		server.Handle(string(r.method.Name()), func(_ context.Context, wire []byte) ([]byte, error) {
			request := newMessage(r.method.Input())
			if err := proto.Unmarshal(wire, request); err != nil {
				return nil, err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			answer, err := s.current.handle(r.fullMethod(), request, r.method.Output())
			if err != nil {
				return nil, err
			}
			return proto.Marshal(answer)
		})
	}
	s.rpc = newDoor(t, server)
	router := chi.NewRouter()
	s.rpc.Mount(router)
	router.NotFound(refuse(problem.RouteNotFound))
	router.MethodNotAllowed(refuse(problem.MethodNotAllowed))
	s.door = router
	return s
}

// refuse answers for routes that are not the door's, as the server does.
func refuse(code problem.Code) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		temporalhttp.WriteError(w, r, problem.New(code, "no route"))
	}
}

func newDoor(t testing.TB, server *upstreamtest.Server) *temporalhttp.API {
	t.Helper()
	metrics, err := telemetry.NewMetrics("test")
	require.NoError(t, err)
	client, err := upstream.New(upstream.Options{
		Server: upstream.Server{Address: "temporal.example:7233"}, Dial: server.Dial,
		KeepAlive: upstream.KeepAlive{Interval: time.Minute, Timeout: time.Minute}, Credential: auth.NoCredential(),
		Timeouts: upstream.Timeouts{Default: time.Minute, Max: time.Minute}, MaxResponseBytes: 128 << 20,
		Version: "1.2.3", Log: slog.New(slog.DiscardHandler), Metrics: metrics,
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	pool := limit.NewPool(limit.PoolSize{Slots: 8, Share: 1}, &telemetry.Gauge{})
	bytes := limit.BytesSize{Total: 1 << 30, Share: 1}
	door, err := temporalhttp.New(temporalhttp.Options{
		LongPoll: time.Minute,
		Front: &request.Front{
			Upstream: client, Reads: pool, Writes: pool, Waits: pool, Decoding: make(chan struct{}, 1),
			Bodies:    &request.Bodies{Max: maxBodyBytes, Timeout: time.Minute, Held: limit.NewBytes(bytes, &telemetry.Gauge{})},
			Responses: limit.NewBytes(bytes, &telemetry.Gauge{}),
		},
	})
	require.NoError(t, err)
	t.Cleanup(door.Drain)
	return door
}

// almighty is a caller that may do everything everywhere.
func almighty() *auth.Principal {
	return &auth.Principal{Name: callerName, CompletionCallbacks: true, Grants: []auth.Grant{
		{Namespace: "*", Role: auth.RoleAdmin}, {Namespace: auth.SystemNamespace, Role: auth.RoleAdmin},
	}}
}

// pair is a request and what both sides make of it.
type pair struct {
	*oracleCase

	temporal, door outcome
	again          func(*oracleCase) *pair // sends another request
}

// both sends a request to both sides.
func (s *sides) both(ctx context.Context, c *oracleCase) *pair {
	p := &pair{oracleCase: c, again: func(c *oracleCase) *pair { return s.both(ctx, c) }}
	x := &exchange{answer: c.answer, failure: c.failure}
	p.temporal = c.send(context.WithValue(ctx, exchangeKey{}, x), s.temporal)
	p.temporal.calls, p.temporal.method, p.temporal.request = x.calls, x.method, x.request

	x = &exchange{answer: c.answer, failure: c.failure}
	s.mu.Lock()
	s.current = x
	s.mu.Unlock()
	p.door = c.send(auth.WithPrincipal(ctx, almighty()), s.door)
	p.door.calls, p.door.method, p.door.request = x.calls, x.method, x.request
	return p
}

func (c *oracleCase) send(ctx context.Context, to http.Handler) outcome {
	request := httptest.NewRequestWithContext(ctx, c.verb, c.target, strings.NewReader(c.body))
	request.Header = c.header.Clone()
	w := httptest.NewRecorder()
	to.ServeHTTP(w, request)
	return outcome{status: w.Code, header: w.Header(), body: w.Body.Bytes()}
}
