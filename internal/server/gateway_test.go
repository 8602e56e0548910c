package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// The keys of the tests' keys file.
const (
	writerKey = "fg_writer_wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"
	otherKey  = "fg_other_oooooooooooooooooooooooooooooooo"
	readerKey = "fg_reader_rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"

	disabledKey = "fg_disabled_dddddddddddddddddddddddddddddddd"
	expiredKey  = "fg_expired_eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
)

// gateway is a whole gateway between in-memory connections: requests come by
// client, and upstream answers what the test tells it to. Made in a synctest
// bubble, it lives in virtual time.
type gateway struct {
	client, admin *http.Client
	listener      *listener
	adminListener *listener
	upstream      *upstreamtest.Server
	log           *syncBuffer
	stop          context.CancelFunc
	done          chan error
}

// startOptions configure a gateway under test. The zero value runs the default configuration.
type startOptions struct {
	// configure changes the configuration before the gateway reads it.
	configure func(*config.Config)
	// public accepts the callers' connections. When it is nil, the gateway
	// serves an in-memory listener. The gateway closes it.
	public net.Listener
	// dial opens the callers' connections to public, and is required with it.
	dial func(context.Context) (net.Conn, error)
	// keyTransport fetches the keys of the token issuers.
	keyTransport http.RoundTripper
	// getenv returns the OpenTelemetry variables; nil returns none.
	getenv func(string) string
}

// start runs a gateway until the test ends.
func start(t testing.TB, options startOptions) *gateway {
	t.Helper()
	cfg := config.Default()
	cfg.Auth.APIKeys.File = writeKeys(t)
	if options.configure != nil {
		options.configure(&cfg)
	}
	g := &gateway{
		adminListener: newListener(), upstream: upstreamtest.New(t), log: &syncBuffer{}, done: make(chan error, 1),
	}
	if options.public == nil {
		g.listener = newListener()
		options.public, options.dial = g.listener, g.listener.dial
	}
	g.client, g.admin = clientBy(options.dial), clientOf(g.adminListener)
	ctx, cancel := context.WithCancel(t.Context())
	g.stop = cancel
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.done <- server.Run(ctx, &cfg, server.Options{
			Version: "test", Public: options.public, Admin: g.adminListener, Dial: g.upstream.Dial, Log: g.log,
			KeyTransport: options.keyTransport, Getenv: options.getenv,
		})
	}()
	t.Cleanup(func() {
		g.client.CloseIdleConnections()
		g.admin.CloseIdleConnections()
		cancel()
		<-ended
	})
	return g
}

func clientOf(l *listener) *http.Client { return clientBy(l.dial) }

func clientBy(dial func(context.Context) (net.Conn, error)) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		MaxIdleConnsPerHost: 1000,
	}}
}

func writeKeys(t testing.TB) string {
	t.Helper()
	hash := func(key string) string {
		sum := sha256.Sum256([]byte(key[strings.LastIndexByte(key, '_')+1:]))
		return hex.EncodeToString(sum[:])
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "token"), []byte("other-token"), 0o600))
	file := filepath.Join(dir, "keys.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`keys:
  - {id: writer, secrets: [{sha256: `+hash(writerKey)+`}], grants: [{namespace: default, role: write}]}
  - {id: reader, secrets: [{sha256: `+hash(readerKey)+`}], grants: [{namespace: default, role: read}]}
  - id: other
    secrets: [{sha256: `+hash(otherKey)+`}]
    grants: [{namespace: default, role: write}]
    credential: {mode: static, file: token}
  - {id: disabled, disabled: true, secrets: [{sha256: `+hash(disabledKey)+`}], grants: [{namespace: default, role: read}]}
  - id: expired
    secrets: [{sha256: `+hash(expiredKey)+`, notAfter: 1999-01-01T00:00:00Z}]
    grants: [{namespace: default, role: read}]
`), 0o600))
	return file
}

// answered is an answer, read whole.
type answered struct {
	status int
	header http.Header
	body   string
	closes bool // the server closes the connection
}

// field gives a member of the JSON body.
func (a answered) field(t *testing.T, name string) string {
	t.Helper()
	members := map[string]jsontext.Value{}
	require.NoError(t, json.Unmarshal([]byte(a.body), &members), a.body)
	var text string
	if json.Unmarshal(members[name], &text) == nil {
		return text
	}
	return string(members[name])
}

// send makes a request as the writer. headers are pairs.
func (g *gateway) send(ctx context.Context, method, path, body string, headers ...string) (answered, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://gateway"+path, strings.NewReader(body))
	if err != nil {
		return answered{}, err
	}
	request.Header.Set("Authorization", "Bearer "+writerKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := g.client.Do(request)
	if err != nil {
		return answered{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return answered{status: response.StatusCode, header: response.Header, body: string(text), closes: response.Close}, err
}

// read takes an answer whole.
func read(t testing.TB, response *http.Response) answered {
	t.Helper()
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answered{status: response.StatusCode, header: response.Header, body: string(text), closes: response.Close}
}

// do is send where an error of the transport fails the test.
func (g *gateway) do(t testing.TB, method, path, body string, headers ...string) answered {
	t.Helper()
	a, err := g.send(t.Context(), method, path, body, headers...)
	require.NoError(t, err)
	return a
}

// elapsed measures in virtual time.
func elapsed(do func()) time.Duration {
	begin := time.Now()
	do()
	return time.Since(begin)
}

// syncBuffer is a log that is written while a test reads it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
