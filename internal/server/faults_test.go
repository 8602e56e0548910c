package server_test

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// secret stands wherever the upstream, or the network, says something: in an
// answer it is a leak. It has the form of an address.
const secret = "frontend-7.internal:7233"

// recovery is how long after the end of a fault the gateway may take until
// calls succeed again: a try to connect that hangs, and the longest pause after
// it.
const recovery = 9 * time.Second

// op is a request as callers make it, and the upstream call that it becomes.
type op struct{ name, method, path, body, rpc string }

// The requests that faults are tried on: one that may always be repeated, a
// write that carries a request id, one that does not, and a wait.
func readOp() op {
	return op{"read", http.MethodGet, "/v1/namespaces/default/workflows/order", "", "DescribeWorkflowExecution"}
}

func startOp() op {
	return op{"start", http.MethodPost, "/v1/namespaces/default/workflows", servertest.StartBody(""), "StartWorkflowExecution"}
}

func terminateOp() op {
	return op{"terminate", http.MethodPost, "/v1/namespaces/default/workflows/order/terminate", "", "TerminateWorkflowExecution"}
}

func waitOp() op {
	return op{"wait", http.MethodGet, servertest.ResultPath + "?wait=20s", "", "GetWorkflowExecutionHistory"}
}

// want is what a request gets: a status, the problem's code where it is one,
// and the virtual time that it takes.
type want struct {
	status   int
	code     problem.Code
	from, to time.Duration
}

// at is the time of an answer that comes by a timer, and allowed for what
// comes around it.
func at(d time.Duration) (from, to time.Duration) { return d, d + 50*time.Millisecond }

func ok(status int) want { return want{status: status, to: 50 * time.Millisecond} }

func failed(code problem.Code) want { return want{status: code.Row().Status, code: code} }

func (w want) after(from, to time.Duration) want {
	w.from, w.to = from, to
	return w
}

// faulty is a gateway whose upstream can be made to misbehave.
type faulty struct {
	*servertest.Gateway

	home   upstreamtest.Dialer // where the upstream is when it is well
	raw    *upstreamtest.Raw   // an upstream that answers frame by frame
	before map[string]int      // goroutines, by what started them
}

// startFaulty runs a gateway until the test ends.
func startFaulty(t *testing.T, configure func(*config.Config)) *faulty {
	t.Helper()
	return settle(t, servertest.Start(t, servertest.Options{Configure: configure}), nil)
}

// settle waits until a gateway that is connected by home, or as it is, answers,
// and takes note of what goroutines that needs.
func settle(t *testing.T, g *servertest.Gateway, home upstreamtest.Dialer) *faulty {
	t.Helper()
	g.Upstream.Handle("TerminateWorkflowExecution", upstreamtest.Respond(&workflowservice.TerminateWorkflowExecutionResponse{}))
	temporalfake.NewWorkflow(g.Upstream)
	f := &faulty{Gateway: g, home: home, raw: upstreamtest.NewRaw(t, g.Upstream)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(g.Log.String(), strings.Join(callLine.FindAllString(g.AdminText(t, "/metrics"), -1), "\n"))
		}
	})
	synctest.Wait() // past the first look at the upstream's health
	f.recover(t)
	f.before = f.goroutines(t)
	return f
}

// recover leads the gateway home, and waits until it finds back.
func (f *faulty) recover(t *testing.T) (took time.Duration) {
	t.Helper()
	f.lead(f.home)
	begin := time.Now()
	for f.ask(t, readOp()).Status != http.StatusOK {
		require.Less(t, time.Since(begin), recovery, "the gateway does not find back to its upstream")
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(begin)
}

// lead makes the gateway's connections, all new, lead elsewhere.
func (f *faulty) lead(dial upstreamtest.Dialer) {
	f.Upstream.Divert(dial)
	synctest.Wait() // no connection is on its way to where they led
	f.Upstream.Cut()
	synctest.Wait()
}

// byScript makes the upstream one that answers the request's call as script
// does.
func byScript(script upstreamtest.Script) func(*faulty, op) {
	return func(f *faulty, o op) {
		f.raw.Handle(o.rpc, script)
		f.lead(f.raw.Dial)
	}
}

// atFirst is byScript for the first call alone.
func atFirst(script upstreamtest.Script) func(*faulty, op) {
	return func(f *faulty, o op) {
		var called atomic.Bool
		byScript(func(s *upstreamtest.Stream) {
			if called.CompareAndSwap(false, true) {
				script(s)
				return
			}
			s.Serve()
		})(f, o)
	}
}

func (f *faulty) ask(t *testing.T, o op, headers ...string) servertest.Response {
	t.Helper()
	return f.Do(t, o.method, o.path, o.body, headers...)
}

// expect makes a request and holds the answer against what it should be.
func (f *faulty) expect(t *testing.T, o op, w want, headers ...string) servertest.Response {
	t.Helper()
	calls := len(f.Upstream.Calls(o.rpc))
	var a servertest.Response
	took := servertest.Elapsed(func() { a = f.ask(t, o, headers...) })
	t.Logf("%-9s -> %d %-27s %8s, %d upstream", o.name, a.Status, w.code, took.Round(time.Millisecond), len(f.Upstream.Calls(o.rpc))-calls)
	w.check(t, a, took)
	return a
}

func (w want) check(t *testing.T, a servertest.Response, took time.Duration) {
	t.Helper()
	require.Equal(t, w.status, a.Status, a.Body)
	require.GreaterOrEqual(t, took, w.from)
	require.LessOrEqual(t, took, w.to)
	requireNoLeak(t, a)
	if w.code == "" {
		return
	}
	require.Equal(t, string(w.code), a.Field(t, "code"))
	require.Equal(t, problem.ContentType, a.Header.Get("Content-Type"))
	after := ""
	if d := w.code.Row().RetryAfter; d > 0 {
		after = strconv.Itoa(int(d.Seconds()))
	}
	require.Equal(t, after, a.Header.Get("Retry-After"))
}

// requireNoLeak holds an answer against what the upstream said, and against
// the addresses by which it is reached.
func requireNoLeak(t *testing.T, a servertest.Response) {
	t.Helper()
	texts := []string{a.Body}
	if a.Header.Get("Content-Type") == problem.ContentType {
		wire, err := base64.StdEncoding.DecodeString(strings.Trim(a.Field(t, "grpcStatus"), `"`))
		require.NoError(t, err)
		texts = append(texts, string(wire))
	}
	for _, text := range texts {
		require.NotContains(t, text, secret)
		require.NotContains(t, text, ":7233")
		require.NotContains(t, text, "rpc error")
	}
	for name, values := range a.Header {
		require.NotContains(t, strings.Join(values, " "), secret, name)
	}
}

// lift ends the fault. Calls succeed within the recovery, and nothing is left
// of the fault then.
func (f *faulty) lift(t *testing.T) {
	t.Helper()
	t.Logf("recovered after %s", f.recover(t).Round(time.Millisecond))
	f.requireWorking(t)
	f.requireIdle(t)
}

// requireWorking holds that all kinds of requests succeed.
func (f *faulty) requireWorking(t *testing.T) {
	t.Helper()
	require.Equal(t, http.StatusOK, f.ask(t, readOp()).Status)
	require.Equal(t, http.StatusCreated, f.ask(t, startOp()).Status)
	require.Equal(t, http.StatusNoContent, f.ask(t, terminateOp()).Status)
}

// faultCase is a fault, and what each request gets while it lasts.
type faultCase struct {
	name      string
	begin     func(f *faulty, o op)
	wants     []expectation
	headers   []string
	configure func(*config.Config)
}

type expectation struct {
	op
	want
}

// try runs each expectation in a gateway of its own, so that what one call
// learns of the upstream does not change the next.
func (c faultCase) try(t *testing.T) {
	t.Helper()
	t.Run(c.name, func(t *testing.T) {
		t.Parallel()
		for _, e := range c.wants {
			t.Run(e.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := startFaulty(t, c.configure)
					c.begin(f, e.op)
					f.expect(t, e.op, e.want, c.headers...)
					f.lift(t)
				})
			})
		}
	})
}
