package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// wideKey may write to every namespace.
const wideKey = "fg_wide_dddddddddddddddddddddddddddddddd"

// hang is when an input counts as one that the gateway does not end with.
const hang = 20 * time.Second

// fuzzed is a whole gateway that serves all inputs of a fuzz target, in real
// time: each input is the bytes of one connection.
type fuzzed struct {
	listener *servertest.Listener
	upstream *instant
	log      *panicLog
}

// startFuzzed runs a gateway until the target ends.
func startFuzzed(f *testing.F, answers map[string]proto.Message) *fuzzed {
	f.Helper()
	cfg := config.Default()
	cfg.Auth.APIKeys.File = servertest.WriteKeys(f)
	addKey(f, cfg.Auth.APIKeys.File, "wide", wideKey, "*")
	cfg.Tokens.KeyFiles = []string{cfg.Auth.APIKeys.File + ".tokens"}
	require.NoError(f, os.WriteFile(cfg.Tokens.KeyFiles[0], bytes.Repeat([]byte("k"), 32), 0o600))
	cfg.Log.Level = "debug" // at which net/http logs panics
	cfg.Listen.DrainDelay = 0
	cfg.Limits.MaxWait = 20 * time.Millisecond
	cfg.Upstream.Retry.MaxAttempts = 1
	cfg.Auth.FailureLimit.Burst = 1 << 30
	g := &fuzzed{listener: servertest.NewListener(), log: &panicLog{}, upstream: newInstant(f, answers)}
	ctx, cancel := context.WithCancel(f.Context())
	ended := make(chan error, 1)
	dial := upstreamtest.New(f, grpc.StreamInterceptor(g.upstream.serve)).Dial
	go func() {
		ended <- server.Run(ctx, &cfg, server.Options{
			Version: "test", Public: g.listener, Admin: servertest.NewListener(), Dial: dial, Log: g.log,
		})
	}()
	f.Cleanup(func() {
		cancel()
		require.NoError(f, <-ended)
	})
	g.awaitReady(f)
	return g
}

// addKey appends a writer of a namespace to the keys file.
func addKey(f *testing.F, file, id, key, namespace string) {
	f.Helper()
	keys, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(f, err)
	sum := sha256.Sum256([]byte(key[strings.LastIndexByte(key, '_')+1:]))
	_, err = keys.WriteString("  - {id: " + id + ", secrets: [{sha256: " + hex.EncodeToString(sum[:]) + `}], grants: [{namespace: "` + namespace + `", role: write}]}` + "\n")
	require.NoError(f, err)
	require.NoError(f, keys.Close())
}

func (g *fuzzed) awaitReady(tb testing.TB) {
	tb.Helper()
	require.Eventually(tb, func() bool {
		out := g.send(tb, servertest.RawRequest(http.MethodGet, "/readyz", "", nil))
		return bytes.HasPrefix(out, []byte("HTTP/1.1 200"))
	}, hang, 10*time.Millisecond)
}

// Send gives the gateway a connection with these bytes, and gives back what
// the gateway wrote until it was done with it.
func (g *fuzzed) send(tb testing.TB, input []byte) []byte {
	tb.Helper()
	conn := newScripted(input)
	timer := time.NewTimer(hang)
	defer timer.Stop()
	select {
	case g.listener.Conns <- conn:
	case <-timer.C:
		require.FailNow(tb, "the gateway accepts no connection")
	}
	select {
	case <-conn.finished:
	case <-timer.C:
		require.FailNow(tb, "the gateway hangs", "%q", input)
	}
	require.Empty(tb, g.log.panics())
	conn.mu.Lock()
	defer conn.mu.Unlock()
	return conn.out.Bytes()
}

// Request sends one request and gives its one answer and the calls that it led to.
func (g *fuzzed) ask(t *testing.T, method string, request []byte) (servertest.Response, []upstreamtest.Call) {
	t.Helper()
	answers := parseAnswers(t, g.send(t, request), []string{method})
	require.Len(t, answers, 1, "%q", request)
	return answers[0], g.upstream.take()
}

// parseAnswers reads everything that the gateway wrote; methods are those of
// the requests, in order. The answer to what is no request is read as a GET's.
func parseAnswers(t *testing.T, out []byte, methods []string) []servertest.Response {
	t.Helper()
	reader := bufio.NewReader(bytes.NewReader(out))
	var all []servertest.Response
	for {
		if _, err := reader.Peek(1); err != nil {
			return all
		}
		request := &http.Request{Method: http.MethodGet}
		if len(methods) > 0 {
			request.Method = methods[0]
		}
		response, err := http.ReadResponse(reader, request)
		require.NoError(t, err, "%q", out)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err, "%q", out)
		require.NoError(t, response.Body.Close())
		if request.Method == http.MethodHead && response.Header.Get("X-Request-Id") == "" {
			_, _ = reader.WriteTo(io.Discard) // net/http tells why it closes, whatever the method
		}
		if response.StatusCode < http.StatusOK {
			continue // announces the answer to the same request
		}
		methods = methods[min(1, len(methods)):]
		all = append(all, servertest.Response{Status: response.StatusCode, Header: response.Header, Body: string(body), Close: response.Close})
	}
}

// instant is an upstream that answers every call at once, and remembers the
// calls of one input only: fuzzing makes millions.
type instant struct {
	answers map[string][]byte // an empty message when there is none

	mu    sync.Mutex
	calls []upstreamtest.Call
}

func newInstant(tb testing.TB, answers map[string]proto.Message) *instant {
	tb.Helper()
	u := &instant{answers: map[string][]byte{}}
	for method, answer := range answers {
		wire, err := proto.Marshal(answer)
		require.NoError(tb, err)
		u.answers[method] = wire
	}
	return u
}

func (u *instant) serve(_ any, stream grpc.ServerStream, info *grpc.StreamServerInfo, _ grpc.StreamHandler) error {
	call := upstreamtest.Call{Method: path.Base(info.FullMethod), Time: time.Now()}
	if err := stream.RecvMsg(&call.Request); err != nil {
		return err
	}
	call.Metadata, _ = metadata.FromIncomingContext(stream.Context())
	call.Deadline, _ = stream.Context().Deadline()
	if call.Method != "GetSystemInfo" { // the health watch asks for it at any time
		u.mu.Lock()
		u.calls = append(u.calls, call)
		u.mu.Unlock()
	}
	answer := u.answers[call.Method]
	return stream.SendMsg(&answer)
}

// take gives the calls since it was asked last.
func (u *instant) take() []upstreamtest.Call {
	u.mu.Lock()
	defer u.mu.Unlock()
	calls := u.calls
	u.calls = nil
	return calls
}

// panicLog is a log that keeps nothing but panics.
type panicLog struct {
	mu    sync.Mutex
	found []byte
}

func (l *panicLog) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(`"msg":"panic"`)) || bytes.Contains(p, []byte(`"msg":"http: panic`)) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.found = append(l.found, p...)
	}
	return len(p), nil
}

func (l *panicLog) panics() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.found)
}
