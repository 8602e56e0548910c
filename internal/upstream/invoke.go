package upstream

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
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
// [problem.Error], or come from [CallOptions.Memory].
func (c *Client) Invoke(ctx context.Context, method string, request []byte) (Response, error) {
	options := optionsFrom(ctx)
	principal, _ := auth.PrincipalFrom(ctx)
	rpc := rpcCall{method: method, request: request}
	rpc.access, rpc.known = auth.AccessOf(method)
	response, err := c.invoke(ctx, principal, options, rpc)
	c.audit(ctx, options, principal, rpc, err)
	if err == nil {
		c.auditPoll(ctx, options, principal, rpc, response.Bytes())
	}
	return response, err
}

// rpcCall is one call of [Client.Invoke], with the access that the method requires.
type rpcCall struct {
	method  string
	access  auth.Access
	known   bool // the access table has the method
	request []byte
}

func (c *Client) invoke(ctx context.Context, principal *auth.Principal, options *CallOptions, rpc rpcCall) (Response, error) {
	if err := c.admit(principal, options, rpc); err != nil {
		return Response{}, err
	}
	if err := c.checkTaskTokens(ctx, principal, options, rpc); err != nil {
		return Response{}, err
	}
	method, request, access := rpc.method, rpc.request, rpc.access
	route := c.routeOf(options.Namespace)
	md, err := c.outgoingMetadata(ctx, route, options, principal, access)
	if err != nil {
		return Response{}, problem.New(problem.UpstreamAuthFailed, "The gateway has no usable credential for the Temporal server.").WithCause(err)
	}
	if route.name != "" {
		request = c.methods[method].RenameRequest(request, options.Namespace, route.name)
	}
	outbound := &outboundCall{
		method: method, request: request, md: md, timeout: c.timeout(options), grace: options.Grace, gatewayCredential: principal.Credential == nil,
		retryable: access.Retry && options.Retry,
	}
	// To receive a response that is larger than the reserved memory, a call is repeated.
	// A write must not be repeated, so it reserves no memory.
	if access.Role <= auth.RoleRead {
		outbound.memory = options.Memory
	} else {
		outbound.server = &peer.Peer{}
	}
	response, err := route.server.attempts(ctx, outbound)
	if outbound.effect && options.Trail != nil {
		options.Trail.effect = true
	}
	switch {
	case outbound.memoryErr != nil:
		return Response{}, outbound.memoryErr
	case err != nil:
		err = c.problemOf(ctx, outbound, route.restoreNamespaceName(err, options.Namespace))
		if outbound.effect {
			err = problem.AfterWrite(err)
		}
		return Response{}, err
	}
	if route.name != "" {
		return response.renameNamespace(c.methods[method], route.name, options.Namespace), nil
	}
	return response, nil
}

// admit checks that the principal may call the method in the namespace with this
// request.
func (c *Client) admit(principal *auth.Principal, options *CallOptions, rpc rpcCall) error {
	authorize := principal.Authorize
	if options.Internal {
		authorize = principal.AuthorizeInternal
	}
	if err := authorize(rpc.method, options.Namespace); err != nil {
		return err
	}
	return c.methods[rpc.method].Check(principal, options.Namespace, rpc.request)
}

// Permits returns an error if [Client.Call] would reject the request before it calls the
// server. It is for operations that first make other calls.
func (c *Client) Permits(ctx context.Context, method string, request proto.Message) error {
	wire, err := encode(request)
	if err != nil {
		return err
	}
	principal, _ := auth.PrincipalFrom(ctx)
	return c.admit(principal, optionsFrom(ctx), rpcCall{method: method, request: wire})
}

// Call is [Client.Invoke] for a request that is not yet encoded.
func (c *Client) Call(ctx context.Context, method string, request proto.Message) (Response, error) {
	wire, err := encode(request)
	if err != nil {
		return Response{}, err
	}
	return c.Invoke(ctx, method, wire)
}

func encode(request proto.Message) ([]byte, error) {
	wire, err := proto.Marshal(request)
	if err != nil {
		return nil, problem.New(problem.InvalidRequest, "The request contains text that is not valid UTF-8.").WithCause(err)
	}
	return wire, nil
}

// Do is like [Client.Call], and decodes the response into a message.
func (c *Client) Do(ctx context.Context, method string, request, response proto.Message) error {
	received, err := c.Call(ctx, method, request)
	if err != nil {
		return err
	}
	defer received.Release()
	if err := proto.Unmarshal(received.Bytes(), response); err != nil {
		return problem.UnreadableResponse(err)
	}
	return nil
}

// outboundCall is one call to the server. It is passed by pointer and lives on the
// heap, because on the stack it would double the size of the stack of every waiting call.
type outboundCall struct {
	method            string
	request           []byte
	md                metadata.MD
	timeout           time.Duration // of each attempt
	grace             time.Duration // how much longer than timeout the gateway waits
	gatewayCredential bool          // the credential is that of the gateway, not that of the principal
	retryable         bool
	memory            MemoryReserver // nil if the response needs no reservation, and for a write
	limit             int            // the maximum size of the response, in bytes
	memoryErr         error          // the error of the last memory.Reserve
	server            *peer.Peer     // of a write: where the last attempt was sent to; nil for a read

	begin        time.Time // when the first attempt began
	attemptBegin time.Time // when the current attempt began
	response     Response
	effect       bool // the call writes, and an attempt may have taken effect
}

// observeEffect records whether the last attempt, which ended with err, may have taken
// effect. gRPC sets the peer only if it has opened a stream on a connection.
func (o *outboundCall) observeEffect(err error) {
	if o.server == nil || o.server.Addr == nil {
		return
	}
	*o.server = peer.Peer{}
	if !problem.IsRefused(status.Convert(err)) {
		o.effect = true
	}
}

// timeout returns the timeout of each attempt of a call.
func (c *Client) timeout(options *CallOptions) time.Duration {
	if options.Timeout <= 0 {
		return c.options.Timeouts.Default
	}
	return min(options.Timeout, c.options.Timeouts.Max)
}

// attempts makes the call and retries it as far as the policy, the throttle and the
// caller's deadline permit. Repeating a call after reserving memory for its large
// response does not count as a retry, because the server has responded.
func (s *server) attempts(ctx context.Context, call *outboundCall) (Response, error) {
	call.begin, call.limit = time.Now(), s.initialLimit(call.memory)
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
		case size > 0: // the response was too large to receive: repeat the call with more memory
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

// retry waits until the next attempt is due and returns true, or returns false if the
// call must not be retried.
func (s *server) retry(ctx context.Context, call *outboundCall, err error, attempt int) bool {
	st := status.Convert(err)
	if !transient(ctx, st) || problem.IsUpdateLimitExceeded(st) {
		return false
	}
	// Every other failure takes a token from the throttle, which all calls share, even if
	// this call is not retried. A rate limit affects only one caller or one namespace, and
	// a busy workflow only itself, so they take none.
	allowed := st.Code() == codes.ResourceExhausted || problem.IsWorkflowBusy(st) || s.throttle.failure()
	pause, due := s.options.Retry.delay(st, attempt, time.Since(call.begin))
	if !call.retryable || !due || !withinDeadline(ctx, pause) {
		return false
	}
	if !allowed {
		s.options.Metrics.RetryThrottled(ctx, shortName(call.method))
		return false
	}
	if Sleep(ctx, pause) != nil || !s.awaitConnection(ctx, s.options.Retry.MaxElapsed-time.Since(call.begin)) {
		return false
	}
	s.options.Metrics.CountRetry(ctx, shortName(call.method))
	telemetry.FromContext(ctx).AddRetry()
	return true
}

// attempt makes the call once. If the response is larger than call.limit, it is not
// received, and attempt returns the size of the response in bytes and no error.
func (s *server) attempt(ctx context.Context, call *outboundCall) (size int, err error) {
	ctx, cancel := context.WithTimeout(ctx, call.timeout+call.grace)
	defer cancel()
	if call.grace > 0 {
		ctx = announcedDeadline{ctx, time.Now().Add(call.timeout)}
	}
	ctx, endSpan := s.options.Tracing.StartClient(ctx, shortName(call.method))
	s.options.Tracing.Inject(ctx, call.md)
	call.attemptBegin = time.Now()
	err = s.conn.Invoke(metadata.NewOutgoingContext(ctx, call.md), call.method, &call.request, &call.response, s.callOptions(call)...)
	call.observeEffect(err)
	if size = s.oversize(call, err); size > 0 {
		err = nil
	}
	s.account(ctx, call, err)
	endSpan(status.Code(err))
	return size, err
}

// announcedDeadline is a context with a deadline that gRPC sends to the server, and that
// is earlier than the end of the context.
type announcedDeadline struct {
	context.Context //nolint:containedctx // it is a context

	at time.Time
}

// Deadline implements [context.Context].
func (a announcedDeadline) Deadline() (time.Time, bool) { return a.at, true }

// account records the result of an attempt in metrics, the log event and the health
// state.
func (s *server) account(ctx context.Context, call *outboundCall, err error) {
	name, code := shortName(call.method), status.Code(err)
	s.options.Metrics.RecordRPC(ctx, name, code, time.Since(call.attemptBegin))
	telemetry.FromContext(ctx).AddCall(name, code)
	// A rejected credential of the principal, or the outage of one namespace, does not
	// make the server unhealthy.
	if call.gatewayCredential && (code != codes.Unavailable || unavailable(status.Convert(err))) {
		s.health.observe(code)
	}
}

// awaitConnection waits until a lost connection is restored, for at most limit. It
// reports whether the connection was restored. Without this wait, all attempts of a
// call could fail within a second.
func (s *server) awaitConnection(ctx context.Context, limit time.Duration) bool {
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

// problemOf converts the error of a call to a problem. It distinguishes a cancellation
// by the caller from one by the upstream, and the gateway's receive limit from the
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

// Canceled returns the problem for a canceled context: the cause of the cancellation
// if that is a problem, otherwise [problem.ClientClosedRequest].
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
