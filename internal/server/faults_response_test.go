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

// Values of the parameter last of [upstreamtest.Stream.Data].
const endOfBody, moreFollows = true, false

func TestAStreamThatIsReset(t *testing.T) {
	t.Parallel()
	reset := func(code http2.ErrCode) upstreamtest.Script {
		return func(s *upstreamtest.Stream) { s.Reset(code) }
	}
	const unavailable, failure, overloaded = problem.UpstreamUnavailable, problem.UpstreamError, problem.UpstreamOverloaded
	atOnce := func(code problem.Code) want { return failed(code).sent().after(about(0)) }
	for _, c := range []faultCase{
		// REFUSED_STREAM means that the server has not processed the stream. gRPC therefore retries any call once, even
		// a write.
		{name: "REFUSED_STREAM once", begin: withScriptOnce(reset(http2.ErrCodeRefusedStream)), wants: healthy()},
		{name: "REFUSED_STREAM", begin: withScript(reset(http2.ErrCodeRefusedStream)), wants: expectByRetry(exhausted(unavailable), atOnce(unavailable))},
		{name: "CANCEL", begin: withScript(reset(http2.ErrCodeCancel)), wants: expectByRetry(exhausted(unavailable), atOnce(unavailable))},
		{name: "INTERNAL_ERROR", begin: withScript(reset(http2.ErrCodeInternal)), wants: expectByRetry(exhausted(failure), atOnce(failure))},
		{name: "PROTOCOL_ERROR", begin: withScript(reset(http2.ErrCodeProtocol)), wants: expectByRetry(exhausted(failure), atOnce(failure))},
		{name: "NO_ERROR", begin: withScript(reset(http2.ErrCodeNo)), wants: expectByRetry(exhausted(failure), atOnce(failure))},
		// The backoff is 1 s + 2 s + 4 s, with a jitter of a fifth.
		{
			name: "ENHANCE_YOUR_CALM", begin: withScript(reset(http2.ErrCodeEnhanceYourCalm)),
			wants: expectByRetry(failed(overloaded).sent().after(5600*time.Millisecond, 8400*time.Millisecond), atOnce(overloaded)),
		},
	} {
		c.run(t)
	}
}

func TestAResponseThatViolatesTheGRPCProtocol(t *testing.T) {
	t.Parallel()
	trailersOnly := func(pairs ...string) func(*faulty, op) {
		return withScript(func(s *upstreamtest.Stream) { s.TrailersOnly(pairs...) })
	}
	body := func(data []byte, trailers ...string) func(*faulty, op) {
		return withScript(func(s *upstreamtest.Stream) {
			s.Headers()
			s.Data(data, len(trailers) == 0)
			if len(trailers) > 0 {
				s.Trailers(trailers...)
			}
		})
	}
	fail := func(code problem.Code) []expectation {
		return expectByRetry(exhausted(code), failed(code).sent().after(about(0)))
	}
	const failure = problem.UpstreamError
	empty := upstreamtest.Framed(nil)
	for _, c := range []faultCase{
		{name: "trailers only, unavailable", begin: trailersOnly("grpc-status", "14", "grpc-message", upstreamAddress), wants: fail(problem.UpstreamUnavailable)},
		{name: "trailers only, internal", begin: trailersOnly("grpc-status", "13", "grpc-message", upstreamAddress), wants: fail(failure)},
		{name: "trailers only, unknown", begin: trailersOnly("grpc-status", "2", "grpc-message", upstreamAddress), wants: fail(failure)},
		{name: "trailers only, unknown status", begin: trailersOnly("grpc-status", "99", "grpc-message", upstreamAddress), wants: expectAll(failed(failure).after(about(0)), readOp(), startOp(), terminateOp())},
		{name: "trailers only, status not a number", begin: trailersOnly("grpc-status", upstreamAddress), wants: fail(failure)},
		{name: "trailers only, no status", begin: trailersOnly("grpc-message", upstreamAddress), wants: fail(failure)},
		{name: "trailers only, OK", begin: trailersOnly("grpc-status", "0"), wants: fail(failure)},
		{name: "no message", begin: body(nil, "grpc-status", "0"), wants: fail(failure)},
		{name: "two messages", begin: body(bytes.Repeat(empty, 2), "grpc-status", "0"), wants: fail(failure)},
		{name: "no trailers", begin: body(empty), wants: fail(failure)},
		{name: "trailers without status", begin: body(empty, "x-internal", upstreamAddress), wants: fail(failure)},
		{name: "truncated message", begin: body(upstreamtest.Framed(make([]byte, 100))[:50], "grpc-status", "0"), wants: fail(failure)},
		{name: "truncated prefix", begin: body(empty[:3], "grpc-status", "0"), wants: fail(failure)},
		{name: "compressed flag without an encoding", begin: body(append([]byte{1}, empty[1:]...), "grpc-status", "0"), wants: fail(failure)},
	} {
		c.run(t)
	}
}

func TestAResponseThatIsNotAValidMessage(t *testing.T) {
	t.Parallel()
	respond := func(message []byte) func(*faulty, op) {
		return withScript(func(s *upstreamtest.Stream) { s.Respond(message) })
	}
	field := func(number protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
	}
	const depth = 20_000                    // deeper than decoders accept
	const startGroup, endGroup = 0x0b, 0x0c // tags of field 1
	nested := append(bytes.Repeat([]byte{startGroup}, depth), bytes.Repeat([]byte{endGroup}, depth)...)
	unreadable := failed(problem.UpstreamError).after(about(0))
	allButTerminate := expectAll(unreadable, readOp(), startOp(), waitOp())
	for _, c := range []faultCase{
		{name: "garbage", begin: respond([]byte("\xff\xff" + upstreamAddress)), wants: expectAll(unreadable, readOp(), startOp(), waitOp(), terminateOp())},
		{name: "truncated", begin: respond(field(1, []byte(upstreamAddress))[:10]), wants: allButTerminate},
		{name: "field number 0", begin: respond([]byte{0, 0}), wants: allButTerminate},
		{name: "invalid UTF-8", begin: respond(field(1, []byte("\xff\xfe"+upstreamAddress))), wants: expectAll(unreadable, readOp(), startOp())},
		{name: "group without end", begin: respond([]byte{startGroup}), wants: allButTerminate},
		{name: "groups in groups", begin: respond(nested), wants: allButTerminate},
	} {
		c.run(t)
	}
}

func TestAResponseThatIsTooLarge(t *testing.T) {
	t.Parallel()
	announced := func(length int) func(*faulty, op) {
		return withScript(func(s *upstreamtest.Stream) {
			s.Headers()
			s.Data(upstreamtest.Prefix(length), moreFollows)
			s.Data(make([]byte, 1000), moreFollows)
			<-s.Done()
		})
	}
	complete := func(length int) func(*faulty, op) {
		return func(f *faulty, o op) {
			f.Upstream.Handle(o.rpc, upstreamtest.InTurn(upstreamtest.RespondWithUnknownField(length), f.Upstream.Handler(o.rpc)))
		}
	}
	small := func(cfg *config.Config) { cfg.Upstream.MaxResponseBytes = 1 << 20 }
	rejected := expectByRetry(failed(problem.UpstreamResponseTooLarge).after(about(0)), failed(problem.UpstreamResponseTooLarge).after(about(0)))
	for _, c := range []faultCase{
		{name: "announced over 128 MiB", begin: announced(128<<20 + 1), wants: rejected},
		{name: "announced 4 GiB", begin: announced(1<<32 - 1), wants: rejected},
		{name: "5 MiB over the configured limit", begin: complete(6 << 20), configure: small, wants: rejected},
		{name: "within the configured limit", begin: complete(1<<20 - 100), configure: small, wants: []expectation{
			{readOp(), ok(http.StatusOK)}, {terminateOp(), ok(http.StatusNoContent)},
		}},
	} {
		c.run(t)
	}
}

// A proxy between the gateway and the upstream may respond with an HTML page.
func TestAResponseThatIsNotGRPC(t *testing.T) {
	t.Parallel()
	page := func(status string) func(*faulty, op) {
		return withScript(func(s *upstreamtest.Stream) {
			s.Headers(":status", status, "content-type", "text/html", "server", upstreamAddress)
			s.Data([]byte("<html><body><h1>"+upstreamAddress+"</h1>"+strings.Repeat("<p>", 1000)+"</body></html>"), endOfBody)
		})
	}
	retried := func(code problem.Code) []expectation {
		return expectByRetry(exhausted(code), failed(code).sent().after(about(0)))
	}
	once := func(code problem.Code) []expectation {
		return expectByRetry(failed(code).after(about(0)), failed(code).after(about(0)))
	}
	for _, c := range []faultCase{
		{name: "200", begin: page("200"), wants: retried(problem.UpstreamError)},
		{name: "302", begin: page("302"), wants: retried(problem.UpstreamError)},
		{name: "400", begin: page("400"), wants: retried(problem.UpstreamError)},
		{name: "401", begin: page("401"), wants: once(problem.UpstreamAuthFailed)},
		{name: "403", begin: page("403"), wants: once(problem.UpstreamError)},
		{name: "404", begin: page("404"), wants: once(problem.UpstreamError)},
		{name: "429", begin: page("429"), wants: retried(problem.UpstreamUnavailable)},
		{name: "500", begin: page("500"), wants: retried(problem.UpstreamError)},
		{name: "502", begin: page("502"), wants: retried(problem.UpstreamUnavailable)},
		{name: "503", begin: page("503"), wants: retried(problem.UpstreamUnavailable)},
		{name: "504", begin: page("504"), wants: retried(problem.UpstreamUnavailable)},
	} {
		c.run(t)
	}
}

// The deadline ends a call wherever the response stalls.
func TestAResponseThatStalls(t *testing.T) {
	t.Parallel()
	stall := func(begin func(*upstreamtest.Stream)) func(*faulty, op) {
		return withScript(func(s *upstreamtest.Stream) {
			begin(s)
			<-s.Done()
		})
	}
	late := expectAll(failed(problem.DeadlineExceeded).after(about(2*time.Second)), readOp(), startOp(), terminateOp())
	for name, begin := range map[string]func(*faulty, op){
		"nothing":      stall(func(*upstreamtest.Stream) {}),
		"headers only": stall(func(s *upstreamtest.Stream) { s.Headers() }),
		"no trailers":  stall(func(s *upstreamtest.Stream) { s.Headers(); s.Data(upstreamtest.Framed(nil), moreFollows) }),
		"a byte per 100 ms": withScript(func(s *upstreamtest.Stream) {
			s.Headers()
			for _, b := range upstreamtest.Framed(make([]byte, 100)) {
				if !s.Wait(100 * time.Millisecond) {
					return
				}
				s.Data([]byte{b}, moreFollows)
			}
			s.Trailers("grpc-status", "0")
		}),
	} {
		faultCase{name: name, begin: begin, headers: []string{"Request-Timeout", "2s"}, wants: late}.run(t)
	}
}

// If the server stops reading, a request that is larger than the flow-control windows
// of HTTP/2 cannot be sent.
func TestAServerThatStopsReading(t *testing.T) {
	t.Parallel()
	argument := `"` + strings.Repeat("x", 1<<20) + `"`
	largeStart, largeTerminate := startOp(), terminateOp()
	largeStart.body = servertest.StartBody(`"args":[` + argument + `]`)
	largeTerminate.body = `{"details":[` + argument + `]}`
	stalled := func(f *faulty, o op) {
		withScript(func(s *upstreamtest.Stream) {
			s.StopReading()
			<-s.Done()
			if got := s.Received(); got > 64<<10 {
				f.Upstream.CloseConnections()
			}
		})(f, o)
	}
	faultCase{
		name: "window exhausted", begin: stalled, headers: []string{"Request-Timeout", "2s"},
		wants: expectAll(failed(problem.DeadlineExceeded).after(about(2*time.Second)), largeStart, largeTerminate),
	}.run(t)
}
