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

// lineLog keeps the latest lines of a process and forwards complete lines to a writer that others may use too.
type lineLog struct {
	forward io.Writer

	mu       sync.Mutex
	finished []string
	partial  []byte
}

// Write never returns an error, because a log error must not end the process.
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
	whole := l.partial[:end]
	_, _ = l.forward.Write(whole)
	for line := range bytes.Lines(whole) {
		l.finished = append(l.finished, string(bytes.TrimSuffix(line, []byte{'\n'})))
	}
	if len(l.finished) > maxLines {
		l.finished = slices.Clone(l.finished[len(l.finished)-maxLines/2:])
	}
	l.partial = slices.Clone(l.partial[end:])
}

// lines returns the latest complete lines, oldest first.
func (l *lineLog) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.finished)
}
