package server_test

import (
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// connectTimeout is the gateway's timeout of one attempt to connect.
const connectTimeout = 5 * time.Second

// maxElapsed is the default maximum time of all attempts of a call, which include waiting for a connection.
const maxElapsed = 10 * time.Second

// exhausted is the result of a call that is retried until the next backoff would end after maxElapsed.
func exhausted(code problem.Code) want {
	return failed(code).sent().after(4500*time.Millisecond, maxElapsed)
}

// expectAll expects the same result of each operation.
func expectAll(w want, ops ...op) []expectation {
	expectations := make([]expectation, len(ops))
	for i, o := range ops {
		expectations[i] = expectation{o, w}
	}
	return expectations
}

// expectByRetry expects one result of the operations that the gateway retries, and another result of the operation
// that it does not retry.
func expectByRetry(retried, notRetried want) []expectation {
	return append(expectAll(retried, readOp(), startOp(), waitOp()), expectation{terminateOp(), notRetried})
}

// healthy returns the result of each operation with a healthy upstream.
func healthy() []expectation {
	return []expectation{
		{readOp(), ok(http.StatusOK)},
		{startOp(), ok(http.StatusCreated)},
		{waitOp(), want{status: http.StatusAccepted}.after(about(20 * time.Second))},
		{terminateOp(), ok(http.StatusNoContent)},
	}
}

func TestAnUpstreamThatCannotBeReached(t *testing.T) {
	t.Parallel()
	const unavailable = problem.UpstreamUnavailable
	late := failed(problem.DeadlineExceeded).after(about(2 * time.Second))
	refused := func(f *faulty, _ op) { f.connect(upstreamtest.Refused(upstreamAddress)) }
	silent := func(f *faulty, _ op) { f.connect(upstreamtest.BlackHole) }        // accepts connections and sends nothing
	unreachable := func(f *faulty, _ op) { f.connect(upstreamtest.Unreachable) } // does not respond to a connection attempt
	twoSeconds := []string{"Request-Timeout", "2s"}
	for _, c := range []faultCase{
		{name: "refused", begin: refused, wants: expectByRetry(failed(unavailable).after(about(maxElapsed)), failed(unavailable).after(about(0)))},
		{name: "black hole", begin: silent, wants: expectByRetry(failed(unavailable).after(about(maxElapsed)), failed(unavailable).after(about(connectTimeout)))},
		{name: "dial hangs", begin: unreachable, wants: expectByRetry(failed(unavailable).after(about(maxElapsed)), failed(unavailable).after(about(connectTimeout)))},
		{name: "black hole, Request-Timeout 2s", begin: silent, headers: twoSeconds, wants: expectAll(late, readOp(), startOp(), terminateOp())},
		{name: "dial hangs, Request-Timeout 2s", begin: unreachable, headers: twoSeconds, wants: expectAll(late, readOp(), startOp(), terminateOp())},
	} {
		c.run(t)
	}
}

// If a host vanishes without closing its connections, the keep-alive pings detect it
// after their interval and timeout. Until then, calls end at their deadlines.
func TestAnUpstreamThatVanishes(t *testing.T) {
	t.Parallel()
	vanish := func(f *faulty, _ op) {
		valve := upstreamtest.NewValve()
		f.connect(upstreamtest.Wrapped(f.Upstream.DialDirect, valve.Wrap))
		valve.Shut()
		f.Upstream.UseDialer(upstreamtest.Unreachable)
	}
	late := func(d time.Duration) []expectation {
		return expectAll(failed(problem.DeadlineExceeded).after(about(d)), readOp(), startOp(), terminateOp())
	}
	for _, c := range []faultCase{
		{name: "Request-Timeout 2s", begin: vanish, headers: []string{"Request-Timeout", "2s"}, wants: late(2 * time.Second)},
		{name: "default timeout", begin: vanish, wants: late(30 * time.Second)},
		{name: "wait", begin: vanish, wants: expectAll(failed(problem.UpstreamUnavailable).after(about(20*time.Second)), waitOp())},
		{
			name: "Request-Timeout longer than the keep-alive timeout", begin: vanish, headers: []string{"Request-Timeout", "50s"},
			wants: expectAll(failed(problem.UpstreamUnavailable).sent().after(15*time.Second, 45*time.Second), terminateOp()),
		},
	} {
		c.run(t)
	}
}

func TestAnUpstreamThatIsSlow(t *testing.T) {
	t.Parallel()
	slow := func(d time.Duration) func(*faulty, op) {
		return withScript(func(s *upstreamtest.Stream) {
			if s.Wait(d) {
				s.Respond(nil)
			}
		})
	}
	twoSeconds := []string{"Request-Timeout", "2s"}
	for _, c := range []faultCase{
		{name: "a second", begin: slow(time.Second), headers: twoSeconds, wants: []expectation{
			{readOp(), want{status: http.StatusOK}.after(about(time.Second))},
			{startOp(), want{status: http.StatusOK}.after(about(time.Second))},
			{terminateOp(), want{status: http.StatusNoContent}.after(about(time.Second))},
		}},
		{
			name: "longer than the deadline", begin: slow(3 * time.Second), headers: twoSeconds,
			wants: expectAll(failed(problem.DeadlineExceeded).after(about(2*time.Second)), readOp(), startOp(), terminateOp()),
		},
		{
			name: "longer than the wait", begin: slow(30 * time.Second),
			wants: expectAll(want{status: http.StatusAccepted}.after(about(20*time.Second)), waitOp()),
		},
	} {
		c.run(t)
	}
}

// A network may split messages at any byte.
func TestBytesThatArriveOneByOne(t *testing.T) {
	t.Parallel()
	bytewise := func(f *faulty, _ op) { f.connect(upstreamtest.Wrapped(f.Upstream.DialDirect, upstreamtest.Bytewise)) }
	faultCase{name: "bytewise", begin: bytewise, wants: healthy()}.run(t)
}

// A call whose response was cut may have taken effect. It is retried only if that is
// safe.
func TestAConnectionThatIsCutDuringTheResponse(t *testing.T) {
	t.Parallel()
	cut := func(s *upstreamtest.Stream) {
		s.Headers("x-internal", upstreamAddress)
		s.Data(upstreamtest.Framed(make([]byte, 100))[:50], moreFollows)
		s.Cut()
	}
	unavailable := failed(problem.UpstreamUnavailable).sent().after(about(0))
	once := healthy()
	for i := range once {
		once[i].to += 150 * time.Millisecond // the backoff
	}
	once[3].want = unavailable // terminate is not retried
	faultCase{name: "once", begin: withScriptOnce(cut), wants: once}.run(t)
	faultCase{name: "always", begin: withScript(cut), wants: expectByRetry(exhausted(problem.UpstreamUnavailable), unavailable)}.run(t)
}

// A server sends GOAWAY before it stops. Calls on streams that it has not processed can be retried, even writes.
func TestGoAway(t *testing.T) {
	t.Parallel()
	goAway := func(s *upstreamtest.Stream) {
		s.GoAway(http2.ErrCodeNo, upstreamAddress)
		if s.Wait(time.Second) {
			s.Serve()
		}
	}
	refuse := func(code http2.ErrCode) upstreamtest.Script {
		return func(s *upstreamtest.Stream) { s.Refuse(code, upstreamAddress) }
	}
	inFlight := healthy()
	for _, i := range []int{0, 1, 3} { // not the wait, which takes longer than a second anyway
		inFlight[i].want = inFlight[i].after(about(time.Second))
	}
	const unavailable = problem.UpstreamUnavailable
	for _, c := range []faultCase{
		{name: "with the stream in flight", begin: withScriptOnce(goAway), wants: inFlight},
		{name: "that refuses the stream", begin: withScriptOnce(refuse(http2.ErrCodeNo)), wants: healthy()},
		{name: "with ENHANCE_YOUR_CALM", begin: withScriptOnce(refuse(http2.ErrCodeEnhanceYourCalm)), wants: healthy()},
		{name: "for every stream", begin: withScript(refuse(http2.ErrCodeNo)), wants: expectByRetry(exhausted(unavailable), failed(unavailable).sent().after(about(0)))},
	} {
		c.run(t)
	}
}
