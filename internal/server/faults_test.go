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

// upstreamAddress occurs in all error messages and headers of the upstream and of the network. It must not occur in a
// response of the gateway.
const upstreamAddress = "frontend-7.internal:7233"

// maxRecovery is the maximum time after a fault until calls succeed again: an attempt to
// connect that times out after 5 s, and the longest backoff after it, 3 s with a jitter of
// a fifth.
const maxRecovery = 9 * time.Second

// op is an operation: a request and the RPC that it calls.
type op struct{ name, method, path, body, rpc string }

// The operations that the tests run during each fault: a read, a write with a request
// id, a write without one, and a wait. The gateway retries all but the third.
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

// want is the expected result of a request: the status, the code of the problem if the
// response is one, and the limits of the virtual time that the request takes.
type want struct {
	status   int
	code     problem.Code
	from, to time.Duration
	wasSent  bool // the upstream has received the call, so a write has another status
}

// about returns the limits of the time for a response that arrives when a timer of the
// gateway expires after d.
func about(d time.Duration) (from, to time.Duration) { return d, d + 50*time.Millisecond }

// ok returns the expected result of a request that succeeds immediately.
func ok(status int) want { return want{status: status, to: 50 * time.Millisecond} }

// failed returns the expected result of a request that fails with a problem.
func failed(code problem.Code) want { return want{status: code.Row().Status, code: code} }

// sent returns w for a fault that begins after the call has reached the upstream.
func (w want) sent() want {
	w.wasSent = true
	return w
}

// after returns w with other limits of the time.
func (w want) after(from, to time.Duration) want {
	w.from, w.to = from, to
	return w
}

// faulty is a gateway whose upstream can be made to misbehave.
type faulty struct {
	*servertest.Gateway

	dialHealthy upstreamtest.Dialer       // dials the healthy upstream; nil for the default
	raw         *upstreamtest.FrameServer // an upstream whose frames the test writes
	before      map[string]int            // goroutines before the fault, by the function that started them
}

// startFaulty runs a gateway until the test ends.
func startFaulty(t *testing.T, configure func(*config.Config)) *faulty {
	t.Helper()
	return newFaulty(t, servertest.Start(t, servertest.Options{Configure: configure}), nil)
}

// newFaulty waits until a gateway serves requests with the upstream that dialHealthy connects to,
// and records its goroutines.
func newFaulty(t *testing.T, g *servertest.Gateway, dialHealthy upstreamtest.Dialer) *faulty {
	t.Helper()
	g.Upstream.Handle("TerminateWorkflowExecution", upstreamtest.Respond(&workflowservice.TerminateWorkflowExecutionResponse{}))
	temporalfake.NewWorkflow(g.Upstream)
	f := &faulty{Gateway: g, dialHealthy: dialHealthy, raw: upstreamtest.NewRaw(t, g.Upstream)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(g.Log.String(), strings.Join(callLine.FindAllString(g.AdminText(t, "/metrics"), -1), "\n"))
		}
	})
	synctest.Wait() // until the first health check has completed
	f.awaitRecovery(t)
	f.before = f.goroutines(t)
	return f
}

// awaitRecovery connects the gateway to the healthy upstream, and waits until requests
// succeed.
func (f *faulty) awaitRecovery(t *testing.T) (took time.Duration) {
	t.Helper()
	f.connect(f.dialHealthy)
	begin := time.Now()
	for f.send(t, readOp()).Status != http.StatusOK {
		require.Less(t, time.Since(begin), maxRecovery, "the gateway does not recover")
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(begin)
}

// connect closes the gateway's upstream connections, so that it opens new ones with dial.
func (f *faulty) connect(dial upstreamtest.Dialer) {
	f.Upstream.UseDialer(dial)
	synctest.Wait() // until no connection to the previous upstream is being opened
	f.Upstream.CloseConnections()
	synctest.Wait()
}

// withScript returns a fault: a script writes the HTTP/2 frames of each response to the operation's RPC.
func withScript(script upstreamtest.Script) func(*faulty, op) {
	return func(f *faulty, o op) {
		f.raw.Handle(o.rpc, script)
		f.connect(f.raw.Dial)
	}
}

// withScriptOnce is like [withScript], but only the first call receives the response of the script.
func withScriptOnce(script upstreamtest.Script) func(*faulty, op) {
	return func(f *faulty, o op) {
		var called atomic.Bool
		withScript(func(s *upstreamtest.Stream) {
			if called.CompareAndSwap(false, true) {
				script(s)
				return
			}
			s.Serve()
		})(f, o)
	}
}

func (f *faulty) send(t *testing.T, o op, headers ...string) servertest.Response {
	t.Helper()
	return f.Do(t, o.method, o.path, o.body, headers...)
}

// expect sends a request and checks the result.
func (f *faulty) expect(t *testing.T, o op, w want, headers ...string) servertest.Response {
	t.Helper()
	calls := len(f.Upstream.Calls(o.rpc))
	var resp servertest.Response
	took := servertest.Elapsed(func() { resp = f.send(t, o, headers...) })
	t.Logf("%-9s -> %d %-27s %8s, %d upstream", o.name, resp.Status, w.code, took.Round(time.Millisecond), len(f.Upstream.Calls(o.rpc))-calls)
	if w.wasSent && o.method == http.MethodPost && w.status == http.StatusServiceUnavailable {
		w.status = http.StatusGatewayTimeout // it may have taken effect
	}
	w.check(t, resp, took)
	return resp
}

func (w want) check(t *testing.T, resp servertest.Response, took time.Duration) {
	t.Helper()
	require.Equal(t, w.status, resp.Status, resp.Body)
	require.GreaterOrEqual(t, took, w.from)
	require.LessOrEqual(t, took, w.to)
	requireNoLeak(t, resp)
	if w.code == "" {
		return
	}
	require.Equal(t, string(w.code), resp.Field(t, "code"))
	require.Equal(t, problem.ContentType, resp.Header.Get("Content-Type"))
	after := ""
	if d := w.code.Row().RetryAfter; d > 0 {
		after = strconv.Itoa(int(d.Seconds()))
	}
	require.Equal(t, after, resp.Header.Get("Retry-After"))
}

// requireNoLeak requires that a response contains neither text of the upstream's errors
// nor its address.
func requireNoLeak(t *testing.T, resp servertest.Response) {
	t.Helper()
	texts := []string{resp.Body}
	if resp.Header.Get("Content-Type") == problem.ContentType {
		wire, err := base64.StdEncoding.DecodeString(strings.Trim(resp.Field(t, "grpcStatus"), `"`))
		require.NoError(t, err)
		texts = append(texts, string(wire))
	}
	for _, text := range texts {
		require.NotContains(t, text, upstreamAddress)
		require.NotContains(t, text, ":7233")
		require.NotContains(t, text, "rpc error")
	}
	for name, values := range resp.Header {
		require.NotContains(t, strings.Join(values, " "), upstreamAddress, name)
	}
}

// endFault connects the gateway to the healthy upstream. It requires that calls succeed within maxRecovery, and that
// the fault leaves neither goroutines nor requests in flight behind.
func (f *faulty) endFault(t *testing.T) {
	t.Helper()
	t.Logf("recovered after %s", f.awaitRecovery(t).Round(time.Millisecond))
	f.requireWorking(t)
	f.requireIdle(t)
}

// requireWorking requires that reads and writes succeed.
func (f *faulty) requireWorking(t *testing.T) {
	t.Helper()
	require.Equal(t, http.StatusOK, f.send(t, readOp()).Status)
	require.Equal(t, http.StatusCreated, f.send(t, startOp()).Status)
	require.Equal(t, http.StatusNoContent, f.send(t, terminateOp()).Status)
}

// faultCase is a fault and the expected result of each operation during the fault.
type faultCase struct {
	name      string
	begin     func(f *faulty, o op) // begins the fault before the operation's request is sent
	wants     []expectation
	headers   []string // of every request, as pairs of name and value
	configure func(*config.Config)
}

// expectation is an operation and its expected result.
type expectation struct {
	op
	want
}

// run runs each expectation with its own gateway, because the gateway's knowledge of
// the upstream's health would affect the next one.
func (c faultCase) run(t *testing.T) {
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
					f.endFault(t)
				})
			})
		}
	})
}
