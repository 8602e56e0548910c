package telemetry

import (
	"io"
	"sync"
	"time"
)

// The bounds of a [LogBuffer].
const (
	logBytes = 32 << 10
	logDelay = 50 * time.Millisecond
)

// LogBuffer batches log lines, because a system call per line would cost a busy gateway more CPU time than building the
// line. It delays a line by at most 50 ms and is safe for concurrent use. If a write fails, the lines in it are lost;
// later lines are not affected.
type LogBuffer struct {
	out io.Writer

	mu    sync.Mutex
	lines []byte
	timer *time.Timer // runs while lines is not empty
}

// NewLogBuffer returns a LogBuffer that writes to w. Call [LogBuffer.Close] to write the remaining lines.
func NewLogBuffer(w io.Writer) *LogBuffer { return &LogBuffer{out: w} }

// Write adds lines to the buffer. Each must end with a newline.
func (b *LogBuffer) Write(lines []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) == 0 {
		b.timer = time.AfterFunc(logDelay, func() { _ = b.Flush() })
	}
	b.lines = append(b.lines, lines...)
	if len(b.lines) >= logBytes {
		return len(lines), b.flush()
	}
	return len(lines), nil
}

// Flush writes the buffered lines.
func (b *LogBuffer) Flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.flush()
}

func (b *LogBuffer) flush() error {
	if len(b.lines) == 0 {
		return nil
	}
	b.timer.Stop()
	_, err := b.out.Write(b.lines)
	b.lines = b.lines[:0]
	return err
}

// Close writes the buffered lines. Write may still be called afterwards.
func (b *LogBuffer) Close() error { return b.Flush() }
