package stack

import (
	"bytes"
	"io"
	"slices"
	"sync"
)

// maxLines bounds what a lineLog remembers of a process that runs for days.
const maxLines = 10_000

// maxLine bounds what a lineLog holds back of a line that does not end.
const maxLine = 1 << 20

// lineLog remembers the lines that a process writes and hands them on, whole: what it hands them to may have other
// writers.
type lineLog struct {
	forward io.Writer

	mu       sync.Mutex
	finished []string
	partial  []byte
}

// Write never fails, because a process must not die of its log.
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

// flush hands on what a process that has ended wrote last, without an end of its line.
func (l *lineLog) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.partial) > 0 {
		l.partial = append(l.partial, '\n')
		l.forwardLines()
	}
}

// forwardLines hands on the lines that are whole, in one piece.
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

// lines are the latest complete lines, oldest first.
func (l *lineLog) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.finished)
}
