package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

const (
	// pause is the pause between two calls of one client.
	pause = 100 * time.Millisecond
	// callTimeout is longer than any call takes, and shorter than the test.
	callTimeout = 90 * time.Second
	// progressTimeout is the maximum time for all clients to make some calls.
	progressTimeout = time.Minute
	pollInterval    = 50 * time.Millisecond
	// maxShown is the maximum number of bytes of a body in the description of a failure.
	maxShown = 300
)

// Load is a group of clients that call the gateway through a load balancer.
type Load struct {
	url   string
	roots *x509.CertPool
	stack deploytest.Stack

	cancel  context.CancelFunc
	clients sync.WaitGroup
	target  string // id of the workflow that clients signal, wait for and follow

	mu       sync.Mutex
	counts   map[string]int // number of responses, by client and result
	failures []Failure
}

// Failure is a call that failed.
type Failure struct {
	At     time.Time
	Client string // how it uses connections, and what it calls
	Status int    // 0 if there was no response
	Body   string // its first bytes
	Err    error  // why the response is missing or incomplete, or nil
}

// String returns the failure as a line of a report.
func (f Failure) String() string {
	return fmt.Sprintf("%s %s: %d %s %v", f.At.Format("15:04:05.000"), f.Client, f.Status, f.Body, f.Err)
}

// connections is how a client uses connections.
type connections string

const (
	keptAlive connections = "HTTP/1.1"
	multiplex connections = "HTTP/2"
	perCall   connections = "a connection per call"
)

// newClient returns a client with connections of its own.
func (l *Load) newClient(kind connections) *http.Client {
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: l.roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: kind == multiplex,
		DisableKeepAlives: kind == perCall,
	}
	return &http.Client{Transport: transport, Timeout: callTimeout}
}

// New returns a load without clients, for the load balancer at a URL with a certificate that roots has issued.
func New(t testing.TB, url string, roots *x509.CertPool) *Load {
	t.Helper()
	l := &Load{url: url, roots: roots, stack: deploytest.Environment(t), counts: map[string]int{}}
	l.awaitReady(t)
	return l
}

// awaitReady waits until the load balancer has a replica that is ready.
func (l *Load) awaitReady(t testing.TB) {
	t.Helper()
	client := l.newClient(perCall)
	require.Eventually(t, func() bool {
		response, err := client.Get(l.url + "/readyz") //nolint:noctx // the client has a timeout
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, progressTimeout, pollInterval, "the load balancer has no replica")
}

// Start starts clients of every kind: starts, starts that wait, waits for results, event streams, lists, reads and
// signals, each on kept-alive connections of HTTP/1.1 and HTTP/2 and on new connections. They end with the test, or by
// [Load.Stop].
func (l *Load) Start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	t.Cleanup(l.Stop)
	l.target = fmt.Sprintf("load-%d", time.Now().UnixNano())
	result := l.call(ctx, l.newClient(perCall), l.startCall(l.target, "Wait"))
	require.Equal(t, http.StatusCreated, result.status, "%s %v", result.body, result.err)
	t.Cleanup(func() {
		l.call(context.Background(), l.newClient(perCall), call{method: http.MethodPost, path: l.workflows() + "/" + l.target + "/terminate"})
	})
	for _, connections := range []connections{keptAlive, multiplex, perCall} {
		for kind, next := range l.kinds() {
			l.clients.Go(func() { l.repeat(ctx, string(connections)+": "+kind, l.newClient(connections), next) })
		}
		l.clients.Go(func() { l.follow(ctx, string(connections)+": event stream", l.newClient(connections)) })
	}
}

// repeat makes calls, one after the other, until ctx ends.
func (l *Load) repeat(ctx context.Context, name string, client *http.Client, next func(n int) call) {
	defer client.CloseIdleConnections()
	for n := 0; ctx.Err() == nil; n++ {
		c := next(n)
		result := l.call(ctx, client, c)
		if ctx.Err() != nil {
			return
		}
		if result.err == nil && slices.Contains(c.want, result.status) {
			l.count(name, strconv.Itoa(result.status))
		} else {
			l.fail(Failure{Client: name, Status: result.status, Body: fmt.Sprintf("%.*s", maxShown, result.body), Err: result.err})
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// Stop ends the clients and waits for their end.
func (l *Load) Stop() {
	if l.cancel != nil {
		l.cancel()
	}
	l.clients.Wait()
}

// AwaitProgress waits until every client has made n more calls that succeeded.
func (l *Load) AwaitProgress(t testing.TB, n int) {
	t.Helper()
	before := l.Counts()
	require.Eventually(t, func() bool {
		now := l.Counts()
		for _, connections := range []connections{keptAlive, multiplex, perCall} {
			for _, kind := range append(slices.Collect(maps.Keys(l.kinds())), "event stream") {
				name := string(connections) + ": " + kind
				if total(now, name)-total(before, name) < n {
					return false
				}
			}
		}
		return true
	}, progressTimeout, pollInterval, "some clients make no progress")
}

func total(counts map[string]int, client string) int {
	sum := 0
	for name, n := range counts {
		if strings.HasPrefix(name, client+" ") {
			sum += n
		}
	}
	return sum
}

// Counts returns the number of responses, by client and status.
func (l *Load) Counts() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.counts)
}

// Failures returns the calls that failed.
func (l *Load) Failures() []Failure {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.failures)
}

// Report returns a line for each client and status, and the total.
func (l *Load) Report() string {
	counts := l.Counts()
	var report strings.Builder
	sum := 0
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&report, "%6d  %s\n", counts[name], name)
		sum += counts[name]
	}
	fmt.Fprintf(&report, "%6d  calls and events, %d failed", sum, len(l.Failures()))
	return report.String()
}

func (l *Load) count(client, result string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[client+" "+result]++
}

func (l *Load) fail(failure Failure) {
	failure.At = time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, failure)
}

// call is one call, and the statuses with which it succeeds.
type call struct {
	method, path, body string
	headers            []string // names and values in turn
	want               []int
}

type result struct {
	status int
	body   []byte
	err    error
}

// send sends a call. The caller closes the body of the response.
func (l *Load) send(ctx context.Context, client *http.Client, c call) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, c.method, l.url+c.path, strings.NewReader(c.body))
	if err != nil {
		return nil, fmt.Errorf("create the request: %w", err)
	}
	request.GetBody = nil // net/http must not repeat a request
	request.Header.Set("Authorization", "Bearer "+l.stack.WriterKey)
	if c.body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for header := range slices.Chunk(c.headers, 2) {
		request.Header.Set(header[0], header[1])
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("send the request: %w", err)
	}
	return response, nil
}

// call sends a call and reads the whole response.
func (l *Load) call(ctx context.Context, client *http.Client, c call) result {
	response, err := l.send(ctx, client, c)
	if err != nil {
		return result{err: err}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return result{status: response.StatusCode, body: body, err: err}
}

// sleep waits for d, or returns false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
