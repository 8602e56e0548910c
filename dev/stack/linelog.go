package stack

import (
	"bytes"
	"io"
	"slices"
	"sync"
)

// maxLines bounds what a lineLog remembers of a process that runs for days.
const maxLines = 10_000

// lineLog remembers the lines that a process writes and hands them on.
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
	_, _ = l.forward.Write(data)
	l.partial = append(l.partial, data...)
	for {
		line, rest, found := bytes.Cut(l.partial, []byte{'\n'})
		if !found {
			break
		}
		l.finished = append(l.finished, string(line))
		l.partial = rest
	}
	if len(l.finished) > maxLines {
		l.finished = slices.Clone(l.finished[len(l.finished)-maxLines/2:])
	}
	return len(data), nil
}

// lines are the latest complete lines, oldest first.
func (l *lineLog) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.finished)
}
