package telemetry

import (
	"io"
	"sync"
	"time"
)

// The bounds of what a [LogBuffer] holds back.
const (
	logBytes = 32 << 10
	logDelay = 50 * time.Millisecond
)

// LogBuffer collects log lines for a moment and writes them together: a system call for each costs a busy gateway more
// than making the line. It holds nothing back for longer than 50 ms, and is safe for concurrent use. A line that is
// refused is lost, and what is written next is not.
type LogBuffer struct {
	to io.Writer

	mu    sync.Mutex
	lines []byte
	timer *time.Timer // runs while there are lines
}

// NewLogBuffer writes to to. [LogBuffer.Close] writes what is left.
func NewLogBuffer(to io.Writer) *LogBuffer { return &LogBuffer{to: to} }

// Write takes whole lines.
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

// Flush writes what is there.
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
	_, err := b.to.Write(b.lines)
	b.lines = b.lines[:0]
	return err
}

// Close writes what is left. Lines may still come, and are written too.
func (b *LogBuffer) Close() error { return b.Flush() }
