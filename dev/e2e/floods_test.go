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

	"github.com/flowgate/flowgate/dev/stack"
)

// flood is HTTP/2 that no client library would send.
type flood struct {
	name        string
	connections int
	// most is by how many bytes it may raise the gateway's resident memory.
	most int
	// attack does it on one connection, until the gateway closes it or the flood ends.
	attack func(f *floodConn) error
}

// floodLength bounds each flood in time. Each of its connections sends floodFrames each floodPause at most: the flood
// shares its processors with the gateway, Temporal and the good caller, and would measure them else.
const (
	floodLength = 2 * time.Second
	floodFrames = 200
	floodPause  = 10 * time.Millisecond
)

// starved is which part of the calls that it makes alone the good caller makes beside a flood at least. It is small,
// because the machine has other work: it tells service from starvation.
const starved = 0.005

// http2Floods are all of them. What they hold is per connection, and connections are the load balancer's to bound.
func http2Floods() []flood {
	const few, many, mebibyte = 4, 100, 1 << 20
	header := bytes.Repeat([]byte{0x82}, 4<<10) // :method GET, again and again
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
				if err := f.request(id, true, http.MethodGet, workflows, stack.ReaderKey); err != nil {
					return err
				}
				return f.WriteRSTStream(id, http2.ErrCodeCancel)
			})
		}},
		{"rapid reset by strangers", few, 128 * mebibyte, func(f *floodConn) error {
			return f.repeat(func(i int) error {
				id := streamID(i)
				if err := f.request(id, true, http.MethodGet, workflows, "fg_none_00000000000000000000000000000000"); err != nil {
					return err
				}
				return f.WriteRSTStream(id, http2.ErrCodeCancel)
			})
		}},
		{"WINDOW_UPDATE", few, 64 * mebibyte, func(f *floodConn) error {
			return f.repeat(func(i int) error {
				if i == 0 {
					return f.request(1, false, http.MethodPost, workflows, manyKey)
				}
				return f.WriteWindowUpdate(uint32(i%2), 1)
			})
		}},
		{"SETTINGS", few, 64 * mebibyte, func(f *floodConn) error {
			return f.repeat(func(i int) error {
				return f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(i)}) //nolint:gosec // far below
			})
		}},
		{"PING", few, 64 * mebibyte, func(f *floodConn) error {
			return f.repeat(func(int) error { return f.WritePing(false, [8]byte{}) })
		}},
		{"PING without reading", few, 64 * mebibyte, func(f *floodConn) error {
			f.stopReading()
			return f.repeat(func(int) error { return f.WritePing(false, [8]byte{}) })
		}},
		{"10,000 half-open streams", many, 512 * mebibyte, func(f *floodConn) error {
			return f.streams(many, false, http.MethodPost, workflows, manyKey)
		}},
		{"10,000 half-open streams of strangers", many, 256 * mebibyte, func(f *floodConn) error {
			return f.streams(many, false, http.MethodPost, workflows, "fg_none_00000000000000000000000000000000")
		}},
		{"10,000 responses with a window of 0", many, 512 * mebibyte, func(f *floodConn) error {
			if err := f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize}); err != nil {
				return err
			}
			return f.streams(many, true, http.MethodGet, "/v1/openapi.json", "")
		}},
		{"10,000 pages with a window of 0", many, 768 * mebibyte, func(f *floodConn) error {
			if err := f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize}); err != nil {
				return err
			}
			return f.streams(many, true, http.MethodGet, "/docs/assets/any/swagger-ui-bundle.js", "")
		}},
		{"frames that are announced and not sent", 3 * many, 64 * mebibyte, func(f *floodConn) error {
			const length, unknown = 1<<20 - 1, 0x42
			head := []byte{length >> 16, length >> 8 & 0xff, length & 0xff, unknown, 0, 0, 0, 0, 0} //nolint:mnd // RFC 9113, section 4.1
			if _, err := f.writer.Write(append(head, make([]byte, length/2)...)); err != nil {
				return err
			}
			return f.hold()
		}},
	}
}

func streamID(i int) uint32 { return uint32(2*i + 1) } //nolint:gosec,mnd // far below; clients have the odd ones

// TestHTTP2Floods floods a gateway whose listener is as shipped: it serves a good caller meanwhile, and its memory is
// bounded. It does not run beside other tests, whose floods these would be too.
func TestHTTP2Floods(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 40 s")
	}
	s := start(t, "Wait")
	for _, what := range http2Floods() {
		t.Run(what.name, func(t *testing.T) {
			gateway := ownGateway(t)
			alone := measureCaller(t, gateway, s, floodLength/4)
			before := residentBytes(t, gateway, "VmRSS")
			var frames, connections atomic.Int64
			ctx, end := context.WithTimeout(t.Context(), floodLength)
			defer end()
			var attackers sync.WaitGroup
			for range what.connections {
				attackers.Go(func() { runFlood(ctx, gateway, what, &frames, &connections) })
			}
			loaded := measureCaller(t, gateway, s, floodLength)
			attackers.Wait()
			peak := residentBytes(t, gateway, "VmHWM")
			eventually(t, "the gateway holds no request", func() bool { return metric(t, gateway, "flowgate_in_flight") == 0 })
			live := liveBytes(t, gateway)
			const mebibyte = 1 << 20
			t.Logf("%d frames on %d connections; resident memory %d MiB before, %d at most, %d after (%d MiB in use)",
				frames.Load(), connections.Load(), before/mebibyte, peak/mebibyte, residentBytes(t, gateway, "VmRSS")/mebibyte, live/mebibyte)
			t.Logf("the good caller alone: %s; beside the flood: %s", alone, loaded)
			assert.Less(t, peak-before, what.most)
			assert.Empty(t, loaded.failures)
			assert.Greater(t, loaded.rate(), starved*alone.rate())
		})
	}
}

// runFlood attacks on one connection after the other.
func runFlood(ctx context.Context, gateway *stack.Gateway, what flood, frames, connections *atomic.Int64) {
	for ctx.Err() == nil {
		f, err := dialFlood(ctx, gateway)
		if err != nil {
			continue
		}
		connections.Add(1)
		_ = what.attack(f) // ends when the gateway has had enough
		frames.Add(f.sent)
		f.close()
	}
}

// floodConn is a connection that speaks HTTP/2 as the attack wants it.
type floodConn struct {
	*http2.Framer
	ctx    context.Context //nolint:containedctx // a connection is as long as its flood
	conn   net.Conn
	writer *bufio.Writer
	sent   int64
	closed chan struct{} // by the gateway
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

// stopReading leaves to the gateway's buffers what it writes.
func (f *floodConn) stopReading() {
	_ = f.conn.SetReadDeadline(time.Now())
	<-f.closed
	f.closed = make(chan struct{})
}

// repeat writes until the gateway closes the connection or the flood ends.
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

// hold sends what is written, and waits.
func (f *floodConn) hold() error {
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
		{":method", method}, {":scheme", "http"}, {":authority", "gateway"}, {":path", path},
		{"authorization", "Bearer " + key}, {"content-type", typeJSON},
	} {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1], Sensitive: true}); err != nil {
			return err
		}
	}
	return f.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: block.Bytes(), EndStream: endStream, EndHeaders: true,
	})
}

// streams opens as many, and leaves them.
func (f *floodConn) streams(n int, endStream bool, method, path, key string) error {
	for i := range n {
		if err := f.request(streamID(i), endStream, method, path, key); err != nil {
			return err
		}
		f.sent++
	}
	return f.hold()
}

func (f *floodConn) headersWithoutEnd(fragment []byte) error {
	return f.repeat(func(i int) error {
		if i == 0 {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}})
		}
		return f.WriteContinuation(1, false, fragment)
	})
}

// latencies are those of a caller that behaves.
type latencies struct {
	took     []time.Duration // in order
	failures []string
	length   time.Duration
}

func (l latencies) percentile(part float64) time.Duration {
	return l.took[min(int(part*float64(len(l.took))), len(l.took)-1)]
}

// rate is in calls a second.
func (l latencies) rate() float64 { return float64(len(l.took)) / l.length.Seconds() }

func (l latencies) String() string {
	const half, most = 0.5, 0.99
	return fmt.Sprintf("%d calls, p50 %s, p99 %s, %d failures",
		len(l.took), l.percentile(half).Round(time.Microsecond), l.percentile(most).Round(time.Microsecond), len(l.failures))
}

// measureCaller looks at a workflow, again and again.
func measureCaller(t *testing.T, gateway *stack.Gateway, s started, length time.Duration) (l latencies) {
	t.Helper()
	c := writer().onGateway(gateway)
	defer func(begin time.Time) { l.length = time.Since(begin) }(time.Now())
	for end := time.Now().Add(length); time.Now().Before(end) || len(l.took) == 0; {
		begin := time.Now()
		a, err := c.send(t.Context(), http.MethodGet, workflowPath(s.WorkflowID), "")
		l.took = append(l.took, time.Since(begin))
		if err != nil || a.status != http.StatusOK {
			l.failures = append(l.failures, fmt.Sprint(a.status, err))
		}
	}
	slices.Sort(l.took)
	return l
}
