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

// Invoke calls a method of the Temporal server, named in full
// ("/package.Service/Method"), with a request in protobuf wire form, and gives
// the answer in wire form, which the caller releases. The context must carry the caller's principal
// ([auth.WithPrincipal]) and should carry a [CallOptions]. Errors are
// [problem.Error]s, or those of [CallOptions.Room].
func (c *Client) Invoke(ctx context.Context, method string, request []byte) (Response, error) {
	call := callFrom(ctx)
	principal, _ := auth.PrincipalFrom(ctx)
	rpc := rpcCall{method: method, request: request}
	rpc.access, rpc.known = auth.AccessOf(method)
	response, err := c.invoke(ctx, principal, call, rpc)
	c.audit(ctx, call, principal, rpc, err)
	return response, err
}

// rpcCall is a call of an RPC, and the access that it demands.
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
	home := c.routeOf(call.Namespace)
	md, err := c.outgoing(ctx, home, call, principal, access)
	if err != nil {
		return Response{}, problem.New(problem.UpstreamAuthFailed, "The gateway has no usable credential for the Temporal server.").WithCause(err)
	}
	if home.name != "" {
		request = c.methods[method].RenameRequest(request, call.Namespace, home.name)
	}
	outbound := &outboundCall{
		method: method, request: request, md: md, timeout: c.timeout(call), ownCredential: principal.Credential == nil,
		retryable: access.Retry && call.Retry,
	}
	if access.Role <= auth.RoleRead { // else the call cannot be made again
		outbound.room = call.Room
	}
	answer, err := home.server.attempts(ctx, outbound)
	switch {
	case outbound.noRoom != nil:
		return Response{}, outbound.noRoom
	case err != nil:
		return Response{}, c.problemOf(ctx, outbound, home.restoreNamespaceName(err, call.Namespace))
	}
	if home.name != "" {
		return answer.withNamespace(c.methods[method], home.name, call.Namespace), nil
	}
	return answer, nil
}

// admit decides whether the principal may make the call, by the method and the
// namespace and by what stands in the request.
func (c *Client) admit(principal *auth.Principal, namespace string, rpc rpcCall) error {
	if err := principal.Authorize(rpc.method, namespace); err != nil {
		return err
	}
	return c.methods[rpc.method].Check(principal, namespace, rpc.request)
}

// Call is [Client.Invoke] with a request that is a message.
func (c *Client) Call(ctx context.Context, method string, request proto.Message) (Response, error) {
	wire, err := proto.Marshal(request)
	if err != nil {
		return Response{}, problem.New(problem.InvalidRequest, "The request holds text that is not valid UTF-8.").WithCause(err)
	}
	return c.Invoke(ctx, method, wire)
}

// Do is [Client.Call] that decodes the response into a message.
func (c *Client) Do(ctx context.Context, method string, request, answer proto.Message) error {
	got, err := c.Call(ctx, method, request)
	if err != nil {
		return err
	}
	defer got.Release()
	if err := proto.Unmarshal(got.Bytes(), answer); err != nil {
		return problem.Unreadable(err)
	}
	return nil
}

// outboundCall is one call as it goes out. It is on the heap, where it takes less of
// a waiting caller's memory than on a stack that doubles.
type outboundCall struct {
	method        string
	request       []byte
	md            metadata.MD
	timeout       time.Duration // of each attempt
	ownCredential bool          // it goes out with the gateway's own credential
	retryable     bool          // it may be made again
	room          Room          // nil for one that changes something
	limit         int           // bytes of the largest response that it receives
	noRoom        error         // of room

	begin        time.Time // of the first attempt
	attemptBegin time.Time // of the current one
	response     Response
}

// timeout is the deadline of each attempt of a call.
func (c *Client) timeout(call *CallOptions) time.Duration {
	if call.Timeout <= 0 {
		return c.options.Timeouts.Default
	}
	return min(call.Timeout, c.options.Timeouts.Max)
}

// attempts makes the call, and makes it again where the policy, the throttle
// and the caller's time allow. To be made again with room for its response is no
// retry: the server has responded.
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

// retry decides over another attempt, and waits until it is due.
func (s *server) retry(ctx context.Context, call *outboundCall, err error, attempt int) bool {
	st := status.Convert(err)
	if !transient(ctx, st) || problem.IsUpdateLimit(st) {
		return false
	}
	// A rate limit is one caller's or one namespace's, and too many calls are
	// one workflow's: they say nothing of the upstream that others should pay for.
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

// attempt makes the call once. A response that has no room yet is not received:
// its size is returned, in bytes, and no error.
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

// account notes how an attempt ended.
func (s *server) account(ctx context.Context, call *outboundCall, err error) {
	name, code := shortName(call.method), status.Code(err)
	s.options.Metrics.RPC(ctx, name, code, time.Since(call.attemptBegin))
	telemetry.FromContext(ctx).AddCall(name, code)
	if call.ownCredential && (code != codes.Unavailable || unavailable(status.Convert(err))) {
		s.health.observe(code)
	}
}

// connected waits until a connection that was lost is back, or limit has
// passed: without one, all attempts of a call could fail within a second.
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

// withinDeadline reports whether the caller's deadline is later than the end of a
// pause. If not, the last error says more than an exceeded deadline.
func withinDeadline(ctx context.Context, pause time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > pause
}

// problemOf maps a failed call. It distinguishes the caller's cancellation from the
// upstream's, and our receive limit from the upstream's limits.
func (c *Client) problemOf(ctx context.Context, call *outboundCall, err error) *problem.Error {
	st := status.Convert(err)
	if errors.Is(ctx.Err(), context.Canceled) {
		return Canceled(ctx, err)
	}
	if responseTooLarge(st, call.limit) {
		return problem.New(problem.UpstreamResponseTooLarge, "The Temporal server's answer is larger than the gateway takes.").WithCause(err)
	}
	return problem.FromStatus(st, shortName(call.method))
}

// Canceled says why a canceled context ended: by the problem that it was
// canceled with, or because the caller left.
func Canceled(ctx context.Context, err error) *problem.Error {
	if cause, ok := errors.AsType[*problem.Error](context.Cause(ctx)); ok {
		return cause
	}
	return problem.New(problem.ClientClosedRequest, "The caller left before the answer.").WithCause(err)
}

// shortName is the method without its service.
func shortName(method string) string {
	return method[strings.LastIndexByte(method, '/')+1:]
}
