package upstream

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// Invoke calls a method of the Temporal server, given by its full name
// ("/package.Service/Method"), with a request in protobuf wire form. The caller
// must release the response. The context must carry a principal
// ([auth.WithPrincipal]) and should carry [CallOptions]. Errors are of type
// [problem.Error], or come from [CallOptions.Room].
func (c *Client) Invoke(ctx context.Context, method string, request []byte) (Response, error) {
	call := callFrom(ctx)
	principal, _ := auth.PrincipalFrom(ctx)
	rpc := rpcCall{method: method, request: request}
	rpc.access, rpc.known = auth.AccessOf(method)
	response, err := c.invoke(ctx, principal, call, rpc)
	c.audit(ctx, call, principal, rpc, err)
	return response, err
}

// rpcCall is a call of an RPC, with the access that it requires.
type rpcCall struct {
	method  string
	access  auth.Access
	known   bool // the access table has the method
	request []byte
}

func (c *Client) invoke(ctx context.Context, principal *auth.Principal, call *CallOptions, rpc rpcCall) (Response, error) {
	if err := c.admit(principal, call.Namespace, rpc); err != nil {
		return Response{}, err
	}
	method, request, access := rpc.method, rpc.request, rpc.access
	route := c.routeOf(call.Namespace)
	md, err := c.outgoing(ctx, route, call, principal, access)
	if err != nil {
		return Response{}, problem.New(problem.UpstreamAuthFailed, "The gateway has no usable credential for the Temporal server.").WithCause(err)
	}
	if route.name != "" {
		request = c.methods[method].RenameRequest(request, call.Namespace, route.name)
	}
	outbound := &outboundCall{
		method: method, request: request, md: md, timeout: c.timeout(call), ownCredential: principal.Credential == nil,
		retryable: access.Retry && call.Retry,
	}
	if access.Role <= auth.RoleRead { // a write must not be repeated to receive its response
		outbound.room = call.Room
	}
	response, err := route.server.attempts(ctx, outbound)
	switch {
	case outbound.noRoom != nil:
		return Response{}, outbound.noRoom
	case err != nil:
		return Response{}, c.problemOf(ctx, outbound, route.restoreNamespaceName(err, call.Namespace))
	}
	if route.name != "" {
		return response.withNamespace(c.methods[method], route.name, call.Namespace), nil
	}
	return response, nil
}

// admit checks that the principal may call the method in the namespace, with the
// content of this request.
func (c *Client) admit(principal *auth.Principal, namespace string, rpc rpcCall) error {
	if err := principal.Authorize(rpc.method, namespace); err != nil {
		return err
	}
	return c.methods[rpc.method].Check(principal, namespace, rpc.request)
}

// Call is [Client.Invoke] for a request that is not yet encoded.
func (c *Client) Call(ctx context.Context, method string, request proto.Message) (Response, error) {
	wire, err := proto.Marshal(request)
	if err != nil {
		return Response{}, problem.New(problem.InvalidRequest, "The request contains text that is not valid UTF-8.").WithCause(err)
	}
	return c.Invoke(ctx, method, wire)
}

// Do is [Client.Call] that decodes the response into a message.
func (c *Client) Do(ctx context.Context, method string, request, response proto.Message) error {
	received, err := c.Call(ctx, method, request)
	if err != nil {
		return err
	}
	defer received.Release()
	if err := proto.Unmarshal(received.Bytes(), response); err != nil {
		return problem.Unreadable(err)
	}
	return nil
}

// outboundCall is one call to the server. It is passed by pointer and lives on the
// heap: with it on the stack, the stacks of waiting calls would double in size.
type outboundCall struct {
	method        string
	request       []byte
	md            metadata.MD
	timeout       time.Duration // of each attempt
	ownCredential bool          // it uses a credential of the gateway, not of the principal
	retryable     bool
	room          Room  // nil for a write
	limit         int   // the maximum size of its response, in bytes
	noRoom        error // the error of room

	begin        time.Time // of the first attempt
	attemptBegin time.Time // of the current one
	response     Response
}

// timeout returns the timeout of each attempt of a call.
func (c *Client) timeout(call *CallOptions) time.Duration {
	if call.Timeout <= 0 {
		return c.options.Timeouts.Default
	}
	return min(call.Timeout, c.options.Timeouts.Max)
}

// attempts makes the call and retries it as far as the policy, the throttle and the
// caller's deadline permit. A call that is repeated because its response needed more
// room does not count as a retry: the server has responded.
func (s *server) attempts(ctx context.Context, call *outboundCall) (Response, error) {
	call.begin, call.limit = time.Now(), s.limitOf(call.room)
	if size := s.sizes.expected(call); size > call.limit {
		if err := s.reserve(ctx, call, size); err != nil {
			return Response{}, err
		}
	}
	for attempt := 1; ; {
		if !s.breaker.admit() {
			return Response{}, errBreakerOpen
		}
		size, err := s.attempt(ctx, call)
		s.breaker.observe(status.Convert(err), call.attemptBegin)
		switch {
		case size > 0:
			s.sizes.observe(call, size)
			if err := s.reserve(ctx, call, size); err != nil {
				return Response{}, err
			}
		case err == nil:
			s.throttle.success()
			s.sizes.observe(call, len(call.response.Bytes()))
			return call.response, nil
		case s.retry(ctx, call, err, attempt):
			attempt++
		default:
			return Response{}, err
		}
	}
}

// retry reports whether another attempt follows, and waits until it is due.
func (s *server) retry(ctx context.Context, call *outboundCall, err error, attempt int) bool {
	st := status.Convert(err)
	if !transient(ctx, st) || problem.IsUpdateLimit(st) {
		return false
	}
	// Rate limits concern one caller or one namespace, and a busy workflow concerns
	// itself only. Neither takes a token from the throttle, which all calls share.
	allowed := st.Code() == codes.ResourceExhausted || problem.IsWorkflowBusy(st) || s.throttle.failure()
	pause, due := s.options.Retry.delay(st, attempt, time.Since(call.begin))
	if !call.retryable || !due || !withinDeadline(ctx, pause) {
		return false
	}
	if !allowed {
		s.options.Metrics.RetryThrottled(ctx, shortName(call.method))
		return false
	}
	if Sleep(ctx, pause) != nil || !s.connected(ctx, s.options.Retry.MaxElapsed-time.Since(call.begin)) {
		return false
	}
	s.options.Metrics.Retry(ctx, shortName(call.method))
	telemetry.FromContext(ctx).AddRetry()
	return true
}

// attempt makes the call once. If the response needs more room than is reserved, it
// is not received: attempt then returns its size in bytes and no error.
func (s *server) attempt(ctx context.Context, call *outboundCall) (size int, err error) {
	ctx, cancel := context.WithTimeout(ctx, call.timeout)
	defer cancel()
	ctx, endSpan := s.options.Tracing.StartClient(ctx, shortName(call.method))
	s.options.Tracing.Inject(ctx, call.md)
	call.attemptBegin = time.Now()
	err = s.conn.Invoke(metadata.NewOutgoingContext(ctx, call.md), call.method, &call.request, &call.response, s.callOptions(call)...)
	if size = s.oversize(call, err); size > 0 {
		err = nil
	}
	s.account(ctx, call, err)
	endSpan(status.Code(err))
	return size, err
}

// account records the result of an attempt in metrics, the log event and the health
// state.
func (s *server) account(ctx context.Context, call *outboundCall, err error) {
	name, code := shortName(call.method), status.Code(err)
	s.options.Metrics.RPC(ctx, name, code, time.Since(call.attemptBegin))
	telemetry.FromContext(ctx).AddCall(name, code)
	if call.ownCredential && (code != codes.Unavailable || unavailable(status.Convert(err))) {
		s.health.observe(code)
	}
}

// connected waits until a lost connection is restored, for at most limit. Without
// it, all attempts of a call could fail within a second.
func (s *server) connected(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		state := s.conn.GetState()
		if state != connectivity.Connecting && state != connectivity.TransientFailure {
			return true
		}
		if !s.conn.WaitForStateChange(ctx, state) {
			return false
		}
	}
}

// withinDeadline reports whether a pause ends before the caller's deadline. If it
// does not, the last error is more useful to the caller than DEADLINE_EXCEEDED.
func withinDeadline(ctx context.Context, pause time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > pause
}

// problemOf converts the error of a call. It distinguishes a cancellation by the
// caller from one by the upstream, and the gateway's receive limit from the
// upstream's limits.
func (c *Client) problemOf(ctx context.Context, call *outboundCall, err error) *problem.Error {
	st := status.Convert(err)
	if errors.Is(ctx.Err(), context.Canceled) {
		return Canceled(ctx, err)
	}
	if responseTooLarge(st, call.limit) {
		return problem.New(problem.UpstreamResponseTooLarge, "The Temporal server's response is larger than the gateway accepts.").WithCause(err)
	}
	return problem.FromStatus(st, shortName(call.method))
}

// Canceled returns the problem of a canceled context: the cause of the cancellation,
// or else that the caller disconnected.
func Canceled(ctx context.Context, err error) *problem.Error {
	if cause, ok := errors.AsType[*problem.Error](context.Cause(ctx)); ok {
		return cause
	}
	return problem.New(problem.ClientClosedRequest, "The caller disconnected before the response.").WithCause(err)
}

// shortName returns the name of a method without its service.
func shortName(method string) string {
	return method[strings.LastIndexByte(method, '/')+1:]
}
