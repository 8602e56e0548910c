package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/stack"
)

// flood is an attack with sequences of HTTP/2 frames that no client library would send.
type flood struct {
	name        string
	connections int
	// maxGrowth is the maximum increase of the gateway's resident memory, in bytes.
	maxGrowth int
	// attack runs on one connection and returns when the gateway closes the connection or the flood ends.
	attack func(f *floodConn) error
}

// A flood lasts floodDuration. Each connection sends at most floodFrames per floodPause, because the flood shares the
// processors with the gateway, Temporal and a regular caller, which sends normal requests during the flood.
const (
	floodDuration = 2 * time.Second
	floodFrames   = 200
	floodPause    = 10 * time.Millisecond
)

// minRateRatio is the minimum ratio of the regular caller's request rate during a flood to its rate without one. It is
// small because the machine has other load: the test only detects starvation.
const minRateRatio = 0.005

const (
	// A request has no body if its headers end the stream. Otherwise the gateway waits for the body.
	endStream, halfOpen = true, false
	// notAck marks a ping that requests a response.
	notAck = false

	unknownKey = "fg_none_00000000000000000000000000000000"
	noKey      = ""
)

// http2Floods returns all floods. Each uses resources in proportion to its number of connections, which a load balancer
// limits in production.
func http2Floods() []flood {
	const few, many, mebibyte = 4, 100, 1 << 20 // numbers of connections or of streams on each, and bytes
	header := bytes.Repeat([]byte{0x82}, 4<<10) // HPACK for ":method: GET", repeated
	return []flood{
		{"CONTINUATION", few, 64 * mebibyte, func(f *floodConn) error {
			return f.headersWithoutEnd(header)
		}},
		{"CONTINUATION without content", few, 64 * mebibyte, func(f *floodConn) error {
			return f.headersWithoutEnd(nil)
		}},
		{"rapid reset", few, 128 * mebibyte, func(f *floodConn) error {
			return f.repeat(func(i int) error {
				id := streamID(i)
				if err := f.request(id, endStream, http.MethodGet, workflows, stack.ReaderKey); err != nil {
					return err
				}
				return f.WriteRSTStream(id, http2.ErrCodeCancel)
			})
		}},
		{"rapid reset without a valid key", few, 128 * mebibyte, func(f *floodConn) error {
			return f.repeat(func(i int) error {
				id := streamID(i)
				if err := f.request(id, endStream, http.MethodGet, workflows, unknownKey); err != nil {
					return err
				}
				return f.WriteRSTStream(id, http2.ErrCodeCancel)
			})
		}},
		{"WINDOW_UPDATE", few, 64 * mebibyte, func(f *floodConn) error {
			return f.repeat(func(i int) error {
				if i == 0 {
					return f.request(1, halfOpen, http.MethodPost, workflows, threeNamespacesKey)
				}
				return f.WriteWindowUpdate(uint32(i)%2, 1) //nolint:gosec // i counts frames from zero
			})
		}},
		{"SETTINGS", few, 64 * mebibyte, func(f *floodConn) error {
			return f.repeat(func(i int) error {
				return f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(i)}) //nolint:gosec // far below the maximum
			})
		}},
		{"PING", few, 64 * mebibyte, func(f *floodConn) error {
			return f.repeat(func(int) error { return f.WritePing(notAck, [8]byte{}) })
		}},
		{"PING without reading", few, 64 * mebibyte, func(f *floodConn) error {
			f.stopReading()
			return f.repeat(func(int) error { return f.WritePing(notAck, [8]byte{}) })
		}},
		{"10,000 half-open streams", many, 512 * mebibyte, func(f *floodConn) error {
			return f.openStreams(many, halfOpen, http.MethodPost, workflows, threeNamespacesKey)
		}},
		{"10,000 half-open streams without a valid key", many, 256 * mebibyte, func(f *floodConn) error {
			return f.openStreams(many, halfOpen, http.MethodPost, workflows, unknownKey)
		}},
		{"10,000 responses with a window of 0", many, 512 * mebibyte, func(f *floodConn) error {
			if err := f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize}); err != nil {
				return err
			}
			return f.openStreams(many, endStream, http.MethodGet, "/v1/openapi.json", noKey)
		}},
		{"10,000 pages with a window of 0", many, 768 * mebibyte, func(f *floodConn) error {
			if err := f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize}); err != nil {
				return err
			}
			return f.openStreams(many, endStream, http.MethodGet, "/docs/assets/any/swagger-ui-bundle.js", noKey)
		}},
		{"frames shorter than their announced length", 3 * many, 64 * mebibyte, func(f *floodConn) error {
			const length, unknown = 1<<20 - 1, 0x42
			head := []byte{length >> 16, length >> 8 & 0xff, length & 0xff, unknown, 0, 0, 0, 0, 0} //nolint:mnd // RFC 9113, section 4.1
			if _, err := f.writer.Write(append(head, make([]byte, length/2)...)); err != nil {
				return err
			}
			return f.flushAndWait()
		}},
	}
}

func streamID(i int) uint32 { return uint32(2*i + 1) } //nolint:gosec,mnd // far below the maximum; the streams of a client have odd ids

// TestHTTP2Floods floods a gateway that has the default listener settings. During a flood, the gateway must serve a
// regular caller, and its memory must stay bounded. The test does not run in parallel with others, which the floods
// would affect.
func TestHTTP2Floods(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 40 s")
	}
	s := start(t, "Wait")
	for _, test := range http2Floods() {
		t.Run(test.name, func(t *testing.T) {
			gateway := startGatewayForTest(t)
			withoutFlood := measureRegularCaller(t, gateway, s, floodDuration/4)
			before := residentBytes(t, gateway, "VmRSS")
			var frames, connections atomic.Int64
			ctx, end := context.WithTimeout(t.Context(), floodDuration)
			defer end()
			var attackers sync.WaitGroup
			for range test.connections {
				attackers.Go(func() { runFlood(ctx, gateway, test, &frames, &connections) })
			}
			duringFlood := measureRegularCaller(t, gateway, s, floodDuration)
			attackers.Wait()
			peak := residentBytes(t, gateway, "VmHWM")
			e2etest.Eventually(t, "no request is in flight", func() bool { return e2etest.Metric(t, gateway, "flowgate_in_flight") == 0 })
			live := liveBytes(t, gateway)
			const mebibyte = 1 << 20
			t.Logf("%d frames on %d connections; resident memory %d MiB before, %d at most, %d after (%d MiB in use)",
				frames.Load(), connections.Load(), before/mebibyte, peak/mebibyte, residentBytes(t, gateway, "VmRSS")/mebibyte, live/mebibyte)
			t.Logf("regular caller without a flood: %s; during the flood: %s", withoutFlood, duringFlood)
			assert.Less(t, peak-before, test.maxGrowth)
			assert.Empty(t, duringFlood.failures)
			assert.Greater(t, duringFlood.rate(), minRateRatio*withoutFlood.rate())
		})
	}
}

// runFlood runs the attack, and opens a new connection each time the gateway has closed the previous one.
func runFlood(ctx context.Context, gateway *stack.Gateway, test flood, frames, connections *atomic.Int64) {
	for ctx.Err() == nil {
		f, err := dialFlood(ctx, gateway)
		if err != nil {
			continue
		}
		connections.Add(1)
		_ = test.attack(f) // fails when the gateway closes the connection, as it should
		frames.Add(f.sent)
		f.close()
	}
}

// floodConn is an HTTP/2 connection on which an attack controls each frame.
type floodConn struct {
	*http2.Framer
	ctx    context.Context //nolint:containedctx // the connection ends with the flood
	conn   net.Conn
	writer *bufio.Writer
	sent   int64
	closed chan struct{} // closed when the gateway closes the connection
	close  func()
}

func dialFlood(ctx context.Context, gateway *stack.Gateway) (*floodConn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(gateway.URL, "http://"))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	f := &floodConn{ctx: ctx, conn: conn, writer: bufio.NewWriterSize(conn, 16<<10), closed: make(chan struct{})}
	f.Framer = http2.NewFramer(f.writer, nil)
	f.AllowIllegalWrites = true
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(f.closed)
		_, _ = io.Copy(io.Discard, conn)
	})
	f.close = func() {
		stop()
		_ = conn.Close()
		reading.Wait()
	}
	if _, err = f.writer.WriteString(http2.ClientPreface); err == nil {
		err = f.WriteSettings()
	}
	return f, err
}

// stopReading stops reading from the connection, so that responses fill the socket buffers.
func (f *floodConn) stopReading() {
	_ = f.conn.SetReadDeadline(time.Now())
	<-f.closed
	f.closed = make(chan struct{})
}

// repeat calls write, with a counter from zero, until it fails or the flood ends.
func (f *floodConn) repeat(write func(i int) error) error {
	ticker := time.NewTicker(floodPause)
	defer ticker.Stop()
	for i := 0; ; i++ {
		if err := write(i); err != nil {
			return err
		}
		f.sent++
		if i%floodFrames > 0 {
			continue
		}
		select {
		case <-f.ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// flushAndWait flushes the written frames and waits until the gateway closes the connection or the flood ends.
func (f *floodConn) flushAndWait() error {
	if err := f.writer.Flush(); err != nil {
		return err
	}
	select {
	case <-f.ctx.Done():
	case <-f.closed:
	}
	return nil
}

func (f *floodConn) request(stream uint32, endStream bool, method, path, key string) error {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{
		{":method", method},
		{":scheme", "http"},
		{":authority", "gateway"},
		{":path", path},
		{"authorization", "Bearer " + key},
		{"content-type", typeJSON},
	} {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1], Sensitive: true}); err != nil {
			return err
		}
	}
	return f.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: block.Bytes(), EndStream: endStream, EndHeaders: true,
	})
}

// openStreams opens n streams and leaves them open.
func (f *floodConn) openStreams(n int, endStream bool, method, path, key string) error {
	for i := range n {
		if err := f.request(streamID(i), endStream, method, path, key); err != nil {
			return err
		}
		f.sent++
	}
	return f.flushAndWait()
}

// headersWithoutEnd sends a HEADERS frame and then CONTINUATION frames without the flag END_HEADERS.
func (f *floodConn) headersWithoutEnd(fragment []byte) error {
	return f.repeat(func(i int) error {
		if i == 0 {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}})
		}
		return f.WriteContinuation(1, false, fragment)
	})
}

// latencies contains the latencies of the regular caller within a period of the given duration.
type latencies struct {
	calls    []time.Duration // sorted
	failures []string
	duration time.Duration
}

func (l latencies) percentile(part float64) time.Duration {
	return l.calls[min(int(part*float64(len(l.calls))), len(l.calls)-1)]
}

// rate returns the number of calls per second.
func (l latencies) rate() float64 { return float64(len(l.calls)) / l.duration.Seconds() }

func (l latencies) String() string {
	const p50, p99 = 0.5, 0.99
	return fmt.Sprintf("%d calls, p50 %s, p99 %s, %d failures",
		len(l.calls), l.percentile(p50).Round(time.Microsecond), l.percentile(p99).Round(time.Microsecond), len(l.failures))
}

// measureRegularCaller sends describe requests for the given duration and returns their latencies.
func measureRegularCaller(t *testing.T, gateway *stack.Gateway, s started, duration time.Duration) (l latencies) {
	t.Helper()
	c := writer().onGateway(gateway)
	defer func(begin time.Time) { l.duration = time.Since(begin) }(time.Now())
	for end := time.Now().Add(duration); time.Now().Before(end) || len(l.calls) == 0; {
		begin := time.Now()
		a, err := c.send(t.Context(), http.MethodGet, workflowPath(s.WorkflowID), "")
		l.calls = append(l.calls, time.Since(begin))
		if err != nil || a.status != http.StatusOK {
			l.failures = append(l.failures, fmt.Sprint(a.status, err))
		}
	}
	slices.Sort(l.calls)
	return l
}
