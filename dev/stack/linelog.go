package stack

import (
	"bytes"
	"io"
	"slices"
	"sync"
)

// maxLines is the maximum number of lines that a lineLog keeps.
const maxLines = 10_000

// maxLine is the maximum size of an incomplete line that a lineLog holds back, in bytes.
const maxLine = 1 << 20

// lineLog keeps the latest lines that a process has written. It forwards complete lines to a writer, which other
// processes may share.
type lineLog struct {
	forward io.Writer

	mu       sync.Mutex
	complete []string
	partial  []byte
}

// Write never returns an error: os/exec would stop reading the output of the process.
func (l *lineLog) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, data...)
	if len(l.partial) > maxLine && !bytes.Contains(l.partial, []byte{'\n'}) {
		l.partial = append(l.partial, '\n')
	}
	l.forwardLines()
	return len(data), nil
}

// flush forwards the last incomplete line of a process that has exited.
func (l *lineLog) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.partial) > 0 {
		l.partial = append(l.partial, '\n')
		l.forwardLines()
	}
}

// forwardLines forwards the complete lines in one write.
func (l *lineLog) forwardLines() {
	end := bytes.LastIndexByte(l.partial, '\n') + 1
	if end == 0 {
		return
	}
	lines := l.partial[:end]
	_, _ = l.forward.Write(lines)
	for line := range bytes.Lines(lines) {
		l.complete = append(l.complete, string(bytes.TrimSuffix(line, []byte{'\n'})))
	}
	if len(l.complete) > maxLines {
		l.complete = slices.Clone(l.complete[len(l.complete)-maxLines/2:])
	}
	l.partial = slices.Clone(l.partial[end:])
}

// lines returns the latest complete lines, oldest first.
func (l *lineLog) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.complete)
}
