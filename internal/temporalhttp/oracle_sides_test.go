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
	// maxBodyBytes is the limit of Temporal's HTTP API and the default of the door.
	maxBodyBytes = 4 << 20
	// callerName is the name of the principal, which the door sets as the identity.
	callerName = "key-1"
)

// fakeUpstream is a fake upstream for one HTTP request. It returns a fixed response and
// records the call.
type fakeUpstream struct {
	response proto.Message
	failure  *status.Status // returned instead of the response, unless nil

	mu      sync.Mutex
	calls   int
	method  string // full name
	request proto.Message
}

type fakeUpstreamKey struct{}

// handle records a call and returns the response. If the request has reached another
// method than that of its rule, handle returns an empty message of the right type.
func (f *fakeUpstream) handle(method string, request proto.Message, output protoreflect.MessageDescriptor) (proto.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.method, f.request = method, request
	if f.response.ProtoReflect().Descriptor() != output {
		return newMessage(output), f.failure.Err()
	}
	return f.response, f.failure.Err()
}

// result is what one side did with a request: its upstream call and its response.
type result struct {
	calls   int
	method  string
	request proto.Message
	status  int
	header  http.Header
	body    []byte
}

// sides holds the two APIs that the tests compare: Temporal's own HTTP API and the door.
// They serve one request at a time.
type sides struct {
	temporal http.Handler
	door     http.Handler
	api      *temporalhttp.API

	mu      sync.Mutex
	current *fakeUpstream // handles the upstream call of the door
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
			response, err := s.current.handle(r.fullMethod(), request, r.method.Output())
			if err != nil {
				return nil, err
			}
			return proto.Marshal(response)
		})
	}
	s.api = newDoor(t, server)
	router := chi.NewRouter()
	s.api.Mount(router)
	router.NotFound(rejectWith(problem.RouteNotFound))
	router.MethodNotAllowed(rejectWith(problem.MethodNotAllowed))
	s.door = router
	return s
}

// rejectWith returns a handler for requests without a route, like the one of package server.
func rejectWith(code problem.Code) http.HandlerFunc {
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
	pool := limit.NewPool(limit.PoolConfig{Slots: 8, Share: 1}, &telemetry.Gauge{})
	bytes := limit.BytesConfig{Total: 1 << 30, Share: 1}
	door, err := temporalhttp.New(temporalhttp.Options{
		LongPoll: time.Minute,
		Front: &request.Front{
			Upstream: client, Reads: pool, Writes: pool, Waits: pool, Decoding: make(chan struct{}, 1),
			Bodies:    &request.Bodies{Max: maxBodyBytes, Timeout: time.Minute, Memory: limit.NewBytes(bytes, &telemetry.Gauge{})},
			Responses: limit.NewBytes(bytes, &telemetry.Gauge{}),
		},
	})
	require.NoError(t, err)
	t.Cleanup(door.Drain)
	return door
}

// administrator returns a principal that may call all methods in all namespaces.
func administrator() *auth.Principal {
	return &auth.Principal{Name: callerName, CompletionCallbacks: true, Grants: []auth.Grant{
		{Namespace: "*", Role: auth.RoleAdmin}, {Namespace: auth.SystemNamespace, Role: auth.RoleAdmin},
	}}
}

// pair is one request to both sides, and the result of each side.
type pair struct {
	*oracleCase

	temporal, door result
	repeat         func(*oracleCase) *pair // sends another request to both sides
}

// sendToBoth sends a request to both sides.
func (s *sides) sendToBoth(ctx context.Context, c *oracleCase) *pair {
	p := &pair{oracleCase: c, repeat: func(c *oracleCase) *pair { return s.sendToBoth(ctx, c) }}
	f := &fakeUpstream{response: c.response, failure: c.failure}
	p.temporal = c.send(context.WithValue(ctx, fakeUpstreamKey{}, f), s.temporal)
	p.temporal.calls, p.temporal.method, p.temporal.request = f.calls, f.method, f.request

	f = &fakeUpstream{response: c.response, failure: c.failure}
	s.mu.Lock()
	s.current = f
	s.mu.Unlock()
	p.door = c.send(auth.WithPrincipal(ctx, administrator()), s.door)
	p.door.calls, p.door.method, p.door.request = f.calls, f.method, f.request
	return p
}

func (c *oracleCase) send(ctx context.Context, to http.Handler) result {
	request := httptest.NewRequestWithContext(ctx, c.verb, c.target, strings.NewReader(c.body))
	request.Header = c.header.Clone()
	w := httptest.NewRecorder()
	to.ServeHTTP(w, request)
	return result{status: w.Code, header: w.Header(), body: w.Body.Bytes()}
}
