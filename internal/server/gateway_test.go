package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server"
	"github.com/flowgate/flowgate/internal/testlog"
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
	log           *testlog.Buffer
	stop          context.CancelFunc
	done          chan error
}

// start runs a gateway until the test ends.
func start(t testing.TB, configure func(*config.Config)) *gateway {
	t.Helper()
	return startIn(t, configure, server.Options{})
}

// startIn is start with surroundings of the test's own.
func startIn(t testing.TB, configure func(*config.Config), options server.Options) *gateway {
	t.Helper()
	public := newListener()
	g := &gateway{listener: public}
	options.Public = public
	g.run(t, configure, options, public.dial)
	return g
}

// startOn is start with a listener of the test's own, and how to reach it.
func startOn(t testing.TB, configure func(*config.Config), public net.Listener, dial func(context.Context) (net.Conn, error)) *gateway {
	t.Helper()
	g := &gateway{}
	g.run(t, configure, server.Options{Public: public}, dial)
	return g
}

func (g *gateway) run(
	t testing.TB, configure func(*config.Config), options server.Options, dial func(context.Context) (net.Conn, error),
) {
	t.Helper()
	cfg := config.Default()
	cfg.Auth.APIKeys.File = writeKeys(t)
	if configure != nil {
		configure(&cfg)
	}
	admin := newListener()
	g.adminListener = admin
	g.client, g.admin = clientBy(dial), clientOf(admin)
	g.upstream, g.log, g.done = upstreamtest.New(t), &testlog.Buffer{}, make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	g.stop = cancel
	options.Version, options.Admin, options.Dial, options.Log = "test", admin, g.upstream.Dial, g.log
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.done <- server.Run(ctx, &cfg, options)
	}()
	t.Cleanup(func() {
		g.client.CloseIdleConnections()
		g.admin.CloseIdleConnections()
		cancel()
		<-ended
	})
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
