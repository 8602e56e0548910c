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
// ([auth.WithPrincipal]) and should carry a [Call]. Errors are
// [problem.Error]s.
func (c *Client) Invoke(ctx context.Context, method string, request []byte) (Answer, error) {
	call := callFrom(ctx)
	principal, _ := auth.PrincipalFrom(ctx)
	if err := principal.Authorize(method, call.Namespace); err != nil {
		return Answer{}, err
	}
	access, _ := auth.AccessOf(method)
	if access.Scope == auth.ScopeNamespace {
		if err := c.guards[method].check(request, call.Namespace); err != nil {
			return Answer{}, err
		}
	}
	md, err := c.outgoing(ctx, call, principal, access)
	if err != nil {
		return Answer{}, problem.New(problem.UpstreamAuthFailed, "The gateway has no usable credential for the Temporal server.").Because(err)
	}
	answer, err := c.attempts(ctx, &exchange{
		method: method, request: request, md: md, timeout: c.timeout(call), ours: principal.Credential == nil,
		repeat: access.Retry && call.Retry,
	})
	if err != nil {
		return Answer{}, c.problemOf(ctx, method, err)
	}
	return answer, nil
}

// Call is [Client.Invoke] with a request that is a message.
func (c *Client) Call(ctx context.Context, method string, request proto.Message) (Answer, error) {
	wire, err := proto.Marshal(request)
	if err != nil {
		return Answer{}, problem.New(problem.InvalidRequest, "The request holds text that is not valid UTF-8.").Because(err)
	}
	return c.Invoke(ctx, method, wire)
}

// Do is [Client.Call] that fills a message with the answer.
func (c *Client) Do(ctx context.Context, method string, request, answer proto.Message) error {
	got, err := c.Call(ctx, method, request)
	if err != nil {
		return err
	}
	defer got.Release()
	if err := proto.Unmarshal(got.Wire(), answer); err != nil {
		return problem.New(problem.UpstreamError, "The Temporal server's answer cannot be read.").Because(err)
	}
	return nil
}

// exchange is one call as it goes out. It is on the heap, where it takes less of
// a waiting caller's memory than on a stack that doubles.
type exchange struct {
	method  string
	request []byte
	md      metadata.MD
	timeout time.Duration // of each attempt
	ours    bool          // it goes out with the gateway's own credential
	repeat  bool          // it may be made again

	begin  time.Time // of the first attempt
	begun  time.Time // of the current one
	answer Answer
}

// timeout is the deadline of each attempt of a call.
func (c *Client) timeout(call *Call) time.Duration {
	if call.Timeout <= 0 {
		return c.options.Timeouts.Default
	}
	return min(call.Timeout, c.options.Timeouts.Max)
}

// attempts makes the call, and makes it again where the policy, the throttle
// and the caller's time allow.
func (c *Client) attempts(ctx context.Context, call *exchange) (Answer, error) {
	call.begin = time.Now()
	for attempt := 1; ; attempt++ {
		if !c.breaker.admit() {
			return Answer{}, errBreakerOpen
		}
		err := c.attempt(ctx, call)
		c.breaker.observe(status.Convert(err), call.begun)
		if err == nil {
			c.throttle.success()
			return call.answer, nil
		}
		if !c.again(ctx, call, err, attempt) {
			return Answer{}, err
		}
	}
}

// again decides over another attempt, and waits until it is due.
func (c *Client) again(ctx context.Context, call *exchange, err error, attempt int) bool {
	st := status.Convert(err)
	if !transient(ctx, st) {
		return false
	}
	// A rate limit is one caller's or one namespace's, and says nothing of
	// the upstream that others should pay for.
	allowed := st.Code() == codes.ResourceExhausted || c.throttle.failure()
	pause, due := c.options.Retry.pause(st, attempt, time.Since(call.begin))
	if !call.repeat || !due || !fits(ctx, pause) {
		return false
	}
	if !allowed {
		c.options.Metrics.RetryThrottled(ctx, shortName(call.method))
		return false
	}
	if !sleep(ctx, pause) || !c.connected(ctx, c.options.Retry.MaxElapsed-time.Since(call.begin)) {
		return false
	}
	c.options.Metrics.Retry(ctx, shortName(call.method))
	telemetry.FromContext(ctx).AddRetry()
	return true
}

func (c *Client) attempt(ctx context.Context, call *exchange) error {
	ctx, cancel := context.WithTimeout(ctx, call.timeout)
	defer cancel()
	ctx, endSpan := c.options.Tracing.StartClient(ctx, shortName(call.method))
	c.options.Tracing.Inject(ctx, call.md)
	call.begun = time.Now()
	err := c.conn.Invoke(metadata.NewOutgoingContext(ctx, call.md), call.method, &call.request, &call.answer)
	c.account(ctx, call, err)
	endSpan(status.Code(err))
	return err
}

// account notes how an attempt ended.
func (c *Client) account(ctx context.Context, call *exchange, err error) {
	name, code := shortName(call.method), status.Code(err)
	c.options.Metrics.RPC(ctx, name, code, time.Since(call.begun))
	telemetry.FromContext(ctx).AddCall(name, code)
	if call.ours {
		c.health.observe(code)
	}
}

// connected waits until a connection that was lost is back, or limit has
// passed: without one, all attempts of a call could fail within a second.
func (c *Client) connected(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		state := c.conn.GetState()
		if state != connectivity.Connecting && state != connectivity.TransientFailure {
			return true
		}
		if !c.conn.WaitForStateChange(ctx, state) {
			return false
		}
	}
}

// fits reports whether the caller's time lasts beyond a pause: with nothing
// left after it, the error at hand tells more than a deadline would.
func fits(ctx context.Context, pause time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > pause
}

// problemOf maps a failed call. The caller's own end is told from the
// upstream's, and our receive limit from the upstream's.
func (c *Client) problemOf(ctx context.Context, method string, err error) *problem.Error {
	st := status.Convert(err)
	if errors.Is(ctx.Err(), context.Canceled) {
		return Canceled(ctx, err)
	}
	if answerTooLarge(st, c.options.MaxResponseBytes) {
		return problem.New(problem.UpstreamResponseTooLarge, "The Temporal server's answer is larger than the gateway takes.").Because(err)
	}
	return problem.FromStatus(st, shortName(method))
}

// Canceled says why a canceled context ended: by the problem that it was
// canceled with, or because the caller left.
func Canceled(ctx context.Context, err error) *problem.Error {
	if cause, ok := errors.AsType[*problem.Error](context.Cause(ctx)); ok {
		return cause
	}
	return problem.New(problem.ClientClosedRequest, "The caller left before the answer.").Because(err)
}

// shortName is the method without its service.
func shortName(method string) string {
	return method[strings.LastIndexByte(method, '/')+1:]
}
