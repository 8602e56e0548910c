package server_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestAStreamThatIsReset(t *testing.T) {
	t.Parallel()
	reset := func(code http2.ErrCode) upstreamtest.Script {
		return func(s *upstreamtest.Stream) { s.Reset(code) }
	}
	const away, broken, busy = problem.UpstreamUnavailable, problem.UpstreamError, problem.UpstreamOverloaded
	atOnce := func(code problem.Code) want { return failed(code).after(at(0)) }
	for _, c := range []faultCase{
		// What the server did not look at may be sent again, whatever it is.
		{name: "REFUSED_STREAM once", begin: atFirst(reset(http2.ErrCodeRefusedStream)), wants: fine()},
		{name: "REFUSED_STREAM", begin: byScript(reset(http2.ErrCodeRefusedStream)), wants: each(repeated(away), atOnce(away))},
		{name: "CANCEL", begin: byScript(reset(http2.ErrCodeCancel)), wants: each(repeated(away), atOnce(away))},
		{name: "INTERNAL_ERROR", begin: byScript(reset(http2.ErrCodeInternal)), wants: each(repeated(broken), atOnce(broken))},
		{name: "PROTOCOL_ERROR", begin: byScript(reset(http2.ErrCodeProtocol)), wants: each(repeated(broken), atOnce(broken))},
		{name: "NO_ERROR", begin: byScript(reset(http2.ErrCodeNo)), wants: each(repeated(broken), atOnce(broken))},
		// Seven seconds, a fifth shorter or longer: 1 + 2 + 4.
		{
			name: "ENHANCE_YOUR_CALM", begin: byScript(reset(http2.ErrCodeEnhanceYourCalm)),
			wants: each(failed(busy).after(5600*time.Millisecond, 8400*time.Millisecond), atOnce(busy)),
		},
	} {
		c.try(t)
	}
}

// An answer may be trailers alone, and may lack what it should have.
func TestAnAnswerThatBreaksTheRulesOfGRPC(t *testing.T) {
	t.Parallel()
	trailersOnly := func(pairs ...string) func(*faulty, op) {
		return byScript(func(s *upstreamtest.Stream) { s.TrailersOnly(pairs...) })
	}
	body := func(data []byte, trailers ...string) func(*faulty, op) {
		return byScript(func(s *upstreamtest.Stream) {
			s.Headers()
			s.Data(data, len(trailers) == 0)
			if len(trailers) > 0 {
				s.Trailers(trailers...)
			}
		})
	}
	fail := func(code problem.Code) []expectation { return each(repeated(code), failed(code).after(at(0))) }
	const broken = problem.UpstreamError
	empty := upstreamtest.Framed(nil)
	for _, c := range []faultCase{
		{name: "trailers only, unavailable", begin: trailersOnly("grpc-status", "14", "grpc-message", secret), wants: fail(problem.UpstreamUnavailable)},
		{name: "trailers only, internal", begin: trailersOnly("grpc-status", "13", "grpc-message", secret), wants: fail(broken)},
		{name: "trailers only, unknown", begin: trailersOnly("grpc-status", "2", "grpc-message", secret), wants: fail(broken)},
		{name: "trailers only, no such status", begin: trailersOnly("grpc-status", "99", "grpc-message", secret), wants: all(failed(broken).after(at(0)), readOp(), startOp(), terminateOp())},
		{name: "trailers only, status no number", begin: trailersOnly("grpc-status", secret), wants: fail(broken)},
		{name: "trailers only, no status", begin: trailersOnly("grpc-message", secret), wants: fail(broken)},
		{name: "trailers only, OK", begin: trailersOnly("grpc-status", "0"), wants: fail(broken)},
		{name: "no message", begin: body(nil, "grpc-status", "0"), wants: fail(broken)},
		{name: "two messages", begin: body(bytes.Repeat(empty, 2), "grpc-status", "0"), wants: fail(broken)},
		{name: "no trailers", begin: body(empty), wants: fail(broken)},
		{name: "trailers without status", begin: body(empty, "x-internal", secret), wants: fail(broken)},
		{name: "message cut short", begin: body(upstreamtest.Framed(make([]byte, 100))[:50], "grpc-status", "0"), wants: fail(broken)},
		{name: "prefix cut short", begin: body(empty[:3], "grpc-status", "0"), wants: fail(broken)},
		{name: "compressed by nothing", begin: body(append([]byte{1}, empty[1:]...), "grpc-status", "0"), wants: fail(broken)},
	} {
		c.try(t)
	}
}

func TestAnAnswerThatIsNoMessage(t *testing.T) {
	t.Parallel()
	answer := func(message []byte) func(*faulty, op) {
		return byScript(func(s *upstreamtest.Stream) { s.Respond(message) })
	}
	field := func(number protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
	}
	const depth = 20_000 // more than a decoder follows
	nested := append(bytes.Repeat([]byte{0x0b}, depth), bytes.Repeat([]byte{0x0c}, depth)...)
	unreadable := all(failed(problem.UpstreamError).after(at(0)), readOp(), startOp(), waitOp())
	for _, c := range []faultCase{
		{name: "garbage", begin: answer([]byte("\xff\xff" + secret)), wants: append(unreadable, all(unreadable[0].want, terminateOp())...)},
		{name: "truncated", begin: answer(field(1, []byte(secret))[:10]), wants: unreadable},
		{name: "field zero", begin: answer([]byte{0, 0}), wants: unreadable},
		{name: "text that is not UTF-8", begin: answer(field(1, []byte("\xff\xfe"+secret))), wants: unreadable[:2]},
		{name: "group without end", begin: answer([]byte{0x0b}), wants: unreadable},
		{name: "groups in groups", begin: answer(nested), wants: unreadable},
	} {
		c.try(t)
	}
}

func TestAnAnswerThatIsTooLarge(t *testing.T) {
	t.Parallel()
	announced := func(length int) func(*faulty, op) {
		return byScript(func(s *upstreamtest.Stream) {
			s.Headers()
			s.Data(upstreamtest.Prefix(length), false)
			s.Data(make([]byte, 1000), false)
			<-s.Done()
		})
	}
	whole := func(length int) func(*faulty, op) {
		return func(f *faulty, o op) {
			f.Upstream.Handle(o.rpc, upstreamtest.InTurn(upstreamtest.Unknown(length), f.Upstream.Handler(o.rpc)))
		}
	}
	small := func(cfg *config.Config) { cfg.Upstream.MaxResponseBytes = 1 << 20 }
	refused := each(failed(problem.UpstreamResponseTooLarge).after(at(0)), failed(problem.UpstreamResponseTooLarge).after(at(0)))
	for _, c := range []faultCase{
		{name: "announced over 128 MiB", begin: announced(128<<20 + 1), wants: refused},
		{name: "announced 4 GiB", begin: announced(1<<32 - 1), wants: refused},
		{name: "5 MiB over the configured limit", begin: whole(6 << 20), configure: small, wants: refused},
		{name: "within the configured limit", begin: whole(1<<20 - 100), configure: small, wants: []expectation{
			{readOp(), ok(http.StatusOK)}, {terminateOp(), ok(http.StatusNoContent)},
		}},
	} {
		c.try(t)
	}
}

// A proxy on the way answers with pages of its own.
func TestAnAnswerThatIsNotGRPC(t *testing.T) {
	t.Parallel()
	page := func(status string) func(*faulty, op) {
		return byScript(func(s *upstreamtest.Stream) {
			s.Headers(":status", status, "content-type", "text/html", "server", secret)
			s.Data([]byte("<html><body><h1>"+secret+"</h1>"+strings.Repeat("<p>", 1000)+"</body></html>"), true)
		})
	}
	again := func(code problem.Code) []expectation { return each(repeated(code), failed(code).after(at(0))) }
	once := func(code problem.Code) []expectation {
		return each(failed(code).after(at(0)), failed(code).after(at(0)))
	}
	for _, c := range []faultCase{
		{name: "200", begin: page("200"), wants: again(problem.UpstreamError)},
		{name: "302", begin: page("302"), wants: again(problem.UpstreamError)},
		{name: "400", begin: page("400"), wants: again(problem.UpstreamError)},
		{name: "401", begin: page("401"), wants: once(problem.UpstreamAuthFailed)},
		{name: "403", begin: page("403"), wants: once(problem.UpstreamError)},
		{name: "404", begin: page("404"), wants: once(problem.UpstreamError)},
		{name: "429", begin: page("429"), wants: again(problem.UpstreamUnavailable)},
		{name: "500", begin: page("500"), wants: again(problem.UpstreamError)},
		{name: "502", begin: page("502"), wants: again(problem.UpstreamUnavailable)},
		{name: "503", begin: page("503"), wants: again(problem.UpstreamUnavailable)},
		{name: "504", begin: page("504"), wants: again(problem.UpstreamUnavailable)},
	} {
		c.try(t)
	}
}

// A deadline ends a call whatever it is that takes long.
func TestAnAnswerThatStalls(t *testing.T) {
	t.Parallel()
	stall := func(say func(*upstreamtest.Stream)) func(*faulty, op) {
		return byScript(func(s *upstreamtest.Stream) {
			say(s)
			<-s.Done()
		})
	}
	late := all(failed(problem.DeadlineExceeded).after(at(2*time.Second)), readOp(), startOp(), terminateOp())
	for name, begin := range map[string]func(*faulty, op){
		"nothing":      stall(func(*upstreamtest.Stream) {}),
		"headers only": stall(func(s *upstreamtest.Stream) { s.Headers() }),
		"no trailers":  stall(func(s *upstreamtest.Stream) { s.Headers(); s.Data(upstreamtest.Framed(nil), false) }),
		"a byte per 100 ms": byScript(func(s *upstreamtest.Stream) {
			s.Headers()
			for _, b := range upstreamtest.Framed(make([]byte, 100)) {
				if !s.Wait(100 * time.Millisecond) {
					return
				}
				s.Data([]byte{b}, false)
			}
			s.Trailers("grpc-status", "0")
		}),
	} {
		faultCase{name: name, begin: begin, headers: []string{"Request-Timeout", "2s"}, wants: late}.try(t)
	}
}

// A server that stops reading leaves the gateway with a request that it cannot
// send: more than the windows of HTTP/2 take.
func TestAServerThatStopsReading(t *testing.T) {
	t.Parallel()
	argument := `"` + strings.Repeat("x", 1<<20) + `"`
	bigStart, bigTerminate := startOp(), terminateOp()
	bigStart.body = servertest.StartBody(`"args":[` + argument + `]`)
	bigTerminate.body = `{"details":[` + argument + `]}`
	deaf := func(f *faulty, o op) {
		byScript(func(s *upstreamtest.Stream) {
			s.Stall()
			<-s.Done()
			if got := s.Received(); got > 64<<10 {
				f.Upstream.Cut()
			}
		})(f, o)
	}
	faultCase{
		name: "window exhausted", begin: deaf, headers: []string{"Request-Timeout", "2s"},
		wants: all(failed(problem.DeadlineExceeded).after(at(2*time.Second)), bigStart, bigTerminate),
	}.try(t)
}
