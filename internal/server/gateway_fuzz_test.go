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

// wideKey has the role write on all namespaces.
const wideKey = "fg_wide_dddddddddddddddddddddddddddddddd"

// hangTimeout is the time after which a connection counts as hanging.
const hangTimeout = 20 * time.Second

// fuzzGateway is a gateway that serves all inputs of a fuzz test in real time. Each input is the bytes that a client
// sends on one connection.
type fuzzGateway struct {
	listener *servertest.Listener
	upstream *instantUpstream
	log      *panicLog
}

// startFuzz runs a gateway until the fuzz test ends. responses are the responses of the upstream, by method.
func startFuzz(f *testing.F, responses map[string]proto.Message) *fuzzGateway {
	f.Helper()
	cfg := config.Default()
	cfg.Auth.APIKeys.File = servertest.WriteKeys(f)
	addKey(f, cfg.Auth.APIKeys.File, "wide", wideKey, "*")
	cfg.Tokens.KeyFiles = []string{cfg.Auth.APIKeys.File + ".tokens"}
	require.NoError(f, os.WriteFile(cfg.Tokens.KeyFiles[0], bytes.Repeat([]byte("k"), 32), 0o600))
	cfg.Log.Level = "debug" // the level at which net/http logs panics
	cfg.Listen.DrainDelay = 0
	cfg.Limits.MaxWait = 20 * time.Millisecond
	cfg.Upstream.Retry.MaxAttempts = 1
	cfg.Auth.FailureLimit.Burst = 1 << 30 // no input is rejected because earlier ones failed to authenticate
	g := &fuzzGateway{listener: servertest.NewListener(), log: &panicLog{}, upstream: newInstantUpstream(f, responses)}
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

// addKey appends a key with the role write on a namespace to the keys file.
func addKey(f *testing.F, file, id, key, namespace string) {
	f.Helper()
	keys, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(f, err)
	sum := sha256.Sum256([]byte(key[strings.LastIndexByte(key, '_')+1:]))
	_, err = keys.WriteString("  - {id: " + id + ", secrets: [{sha256: " + hex.EncodeToString(sum[:]) + `}], grants: [{namespace: "` + namespace + `", role: write}]}` + "\n")
	require.NoError(f, err)
	require.NoError(f, keys.Close())
}

func (g *fuzzGateway) awaitReady(tb testing.TB) {
	tb.Helper()
	require.Eventually(tb, func() bool {
		out := g.send(tb, servertest.RawRequest(http.MethodGet, "/readyz", "", nil))
		return bytes.HasPrefix(out, []byte("HTTP/1.1 200"))
	}, hangTimeout, 10*time.Millisecond)
}

// send opens a connection with the input, and returns what the gateway writes until it
// closes the connection.
func (g *fuzzGateway) send(tb testing.TB, input []byte) []byte {
	tb.Helper()
	conn := newScriptedConn(input)
	timer := time.NewTimer(hangTimeout)
	defer timer.Stop()
	select {
	case g.listener.Conns <- conn:
	case <-timer.C:
		require.FailNow(tb, "the gateway does not accept the connection")
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

// request sends one request, and returns its response and the upstream calls.
func (g *fuzzGateway) request(t *testing.T, method string, request []byte) (servertest.Response, []upstreamtest.Call) {
	t.Helper()
	responses := parseResponses(t, g.send(t, request), []string{method})
	require.Len(t, responses, 1, "%q", request)
	return responses[0], g.upstream.takeCalls()
}

// parseResponses parses the output of the gateway. methods are the methods of the valid requests, in order. The
// response to invalid input is parsed like the response to a GET request.
func parseResponses(t *testing.T, out []byte, methods []string) []servertest.Response {
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
			_, _ = reader.WriteTo(io.Discard) // net/http's own errors have a body even for HEAD
		}
		if response.StatusCode < http.StatusOK {
			continue // an informational response
		}
		methods = methods[min(1, len(methods)):]
		all = append(all, servertest.Response{Status: response.StatusCode, Header: response.Header, Body: string(body), Close: response.Close})
	}
}

// instantUpstream responds to every call immediately. It records only the calls of the current input, because fuzzing
// makes millions of calls.
type instantUpstream struct {
	responses map[string][]byte // by method; an empty message for other methods

	mu    sync.Mutex
	calls []upstreamtest.Call
}

func newInstantUpstream(tb testing.TB, responses map[string]proto.Message) *instantUpstream {
	tb.Helper()
	u := &instantUpstream{responses: map[string][]byte{}}
	for method, response := range responses {
		wire, err := proto.Marshal(response)
		require.NoError(tb, err)
		u.responses[method] = wire
	}
	return u
}

func (u *instantUpstream) serve(_ any, stream grpc.ServerStream, info *grpc.StreamServerInfo, _ grpc.StreamHandler) error {
	call := upstreamtest.Call{Method: path.Base(info.FullMethod), Time: time.Now()}
	if err := stream.RecvMsg(&call.Request); err != nil {
		return err
	}
	call.Metadata, _ = metadata.FromIncomingContext(stream.Context())
	call.Deadline, _ = stream.Context().Deadline()
	if call.Method != "GetSystemInfo" { // the health check
		u.mu.Lock()
		u.calls = append(u.calls, call)
		u.mu.Unlock()
	}
	response := u.responses[call.Method]
	return stream.SendMsg(&response)
}

// takeCalls returns the recorded calls and deletes them.
func (u *instantUpstream) takeCalls() []upstreamtest.Call {
	u.mu.Lock()
	defer u.mu.Unlock()
	calls := u.calls
	u.calls = nil
	return calls
}

// panicLog is a log that keeps only lines that report a panic.
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
