package server_test

import (
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// connecting is how long one try to connect takes before it is given up.
const connecting = 5 * time.Second

// maxElapsed is how long a call that may be repeated is, and how long it waits
// for a connection.
const maxElapsed = 10 * time.Second

// repeated is the answer to a call that is repeated as long as may be: its
// pauses grow until there is no room for another one.
func repeated(code problem.Code) want {
	return failed(code).after(4500*time.Millisecond, maxElapsed)
}

// all are the same for each request.
func all(w want, ops ...op) []expectation {
	expectations := make([]expectation, len(ops))
	for i, o := range ops {
		expectations[i] = expectation{o, w}
	}
	return expectations
}

// each is one answer for what is repeated, and one for what is not.
func each(repeated, once want) []expectation {
	return append(all(repeated, readOp(), startOp(), waitOp()), expectation{terminateOp(), once})
}

// fine are the answers of an upstream that is well.
func fine() []expectation {
	return []expectation{
		{readOp(), ok(http.StatusOK)},
		{startOp(), ok(http.StatusCreated)},
		{waitOp(), want{status: http.StatusAccepted}.after(at(20 * time.Second))},
		{terminateOp(), ok(http.StatusNoContent)},
	}
}

func TestAnUpstreamThatCannotBeReached(t *testing.T) {
	t.Parallel()
	const away = problem.UpstreamUnavailable
	late := failed(problem.DeadlineExceeded).after(at(2 * time.Second))
	refused := func(f *faulty, _ op) { f.lead(upstreamtest.Refused(secret)) }
	silent := func(f *faulty, _ op) { f.lead(upstreamtest.Silent) }
	unreachable := func(f *faulty, _ op) { f.lead(upstreamtest.Unreachable) }
	inTwo := []string{"Request-Timeout", "2s"}
	for _, c := range []faultCase{
		{name: "refused", begin: refused, wants: each(failed(away).after(at(maxElapsed)), failed(away).after(at(0)))},
		{name: "black hole", begin: silent, wants: each(failed(away).after(at(maxElapsed)), failed(away).after(at(connecting)))},
		{name: "dial hangs", begin: unreachable, wants: each(failed(away).after(at(maxElapsed)), failed(away).after(at(connecting)))},
		{name: "black hole, Request-Timeout 2s", begin: silent, headers: inTwo, wants: all(late, readOp(), startOp(), terminateOp())},
		{name: "dial hangs, Request-Timeout 2s", begin: unreachable, headers: inTwo, wants: all(late, readOp(), startOp(), terminateOp())},
	} {
		c.try(t)
	}
}

// A host that vanishes with its connections open is noticed by the pings, a
// timeout after the interval; calls end at their own deadlines until then.
func TestAnUpstreamThatVanishes(t *testing.T) {
	t.Parallel()
	vanish := func(f *faulty, _ op) {
		v := upstreamtest.NewValve()
		f.lead(upstreamtest.Wrapped(f.Upstream.Straight, v.Wrap))
		v.Shut()
		f.Upstream.Divert(upstreamtest.Unreachable)
	}
	late := func(d time.Duration) []expectation {
		return all(failed(problem.DeadlineExceeded).after(at(d)), readOp(), startOp(), terminateOp())
	}
	for _, c := range []faultCase{
		{name: "Request-Timeout 2s", begin: vanish, headers: []string{"Request-Timeout", "2s"}, wants: late(2 * time.Second)},
		{name: "default timeout", begin: vanish, wants: late(30 * time.Second)},
		{name: "wait", begin: vanish, wants: all(failed(problem.UpstreamUnavailable).after(at(20*time.Second)), waitOp())},
		{
			name: "timeout beyond the pings", begin: vanish, headers: []string{"Request-Timeout", "50s"},
			wants: all(failed(problem.UpstreamUnavailable).after(15*time.Second, 45*time.Second), terminateOp()),
		},
	} {
		c.try(t)
	}
}

func TestAnUpstreamThatIsSlow(t *testing.T) {
	t.Parallel()
	slow := func(d time.Duration) func(*faulty, op) {
		return byScript(func(s *upstreamtest.Stream) {
			if s.Wait(d) {
				s.Respond(nil)
			}
		})
	}
	inTwo := []string{"Request-Timeout", "2s"}
	for _, c := range []faultCase{
		{name: "a second", begin: slow(time.Second), headers: inTwo, wants: []expectation{
			{readOp(), want{status: http.StatusOK}.after(at(time.Second))},
			{startOp(), want{status: http.StatusOK}.after(at(time.Second))},
			{terminateOp(), want{status: http.StatusNoContent}.after(at(time.Second))},
		}},
		{
			name: "longer than the deadline", begin: slow(3 * time.Second), headers: inTwo,
			wants: all(failed(problem.DeadlineExceeded).after(at(2*time.Second)), readOp(), startOp(), terminateOp()),
		},
		{
			name: "longer than the poll", begin: slow(30 * time.Second),
			wants: all(want{status: http.StatusAccepted}.after(at(20*time.Second)), waitOp()),
		},
	} {
		c.try(t)
	}
}

// A network may cut messages wherever it likes.
func TestBytesThatArriveOneByOne(t *testing.T) {
	t.Parallel()
	sliced := func(f *faulty, _ op) { f.lead(upstreamtest.Wrapped(f.Upstream.Straight, upstreamtest.Bytewise)) }
	faultCase{name: "sliced", begin: sliced, wants: fine()}.try(t)
}

// A call whose answer was cut may have had its effect: it is repeated where
// that does no harm.
func TestAConnectionThatIsCutInMidAnswer(t *testing.T) {
	t.Parallel()
	cut := func(s *upstreamtest.Stream) {
		s.Headers("x-internal", secret)
		s.Data(upstreamtest.Framed(make([]byte, 100))[:50], false)
		s.Cut()
	}
	away := failed(problem.UpstreamUnavailable).after(at(0))
	once := fine()
	for i := range once {
		once[i].to += 150 * time.Millisecond // a pause
	}
	once[3].want = away
	faultCase{name: "once", begin: atFirst(cut), wants: once}.try(t)
	faultCase{name: "always", begin: byScript(cut), wants: each(repeated(problem.UpstreamUnavailable), away)}.try(t)
}

// A server that stops says GOAWAY first. What it has not looked at may be sent
// again, whatever it is.
func TestGoAway(t *testing.T) {
	t.Parallel()
	leave := func(s *upstreamtest.Stream) {
		s.Leave(http2.ErrCodeNo, secret)
		if s.Wait(time.Second) {
			s.Serve()
		}
	}
	refuse := func(code http2.ErrCode) upstreamtest.Script {
		return func(s *upstreamtest.Stream) { s.Refuse(code, secret) }
	}
	inFlight := fine()
	for _, i := range []int{0, 1, 3} { // a wait takes its time anyway
		inFlight[i].want = inFlight[i].after(at(time.Second))
	}
	const away = problem.UpstreamUnavailable
	for _, c := range []faultCase{
		{name: "with the stream in flight", begin: atFirst(leave), wants: inFlight},
		{name: "that refuses the stream", begin: atFirst(refuse(http2.ErrCodeNo)), wants: fine()},
		{name: "that asks for calm", begin: atFirst(refuse(http2.ErrCodeEnhanceYourCalm)), wants: fine()},
		{name: "storm", begin: byScript(refuse(http2.ErrCodeNo)), wants: each(repeated(away), failed(away).after(at(0)))},
	} {
		c.try(t)
	}
}
