// Package testlog provides a buffer for the logs of tests.
//
// Trust boundary: only tests import it.
package testlog

import (
	"bytes"
	"sync"
)

// Buffer is a [bytes.Buffer] that a test may read while other goroutines write to it. The zero value is empty and ready
// to use.
type Buffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

// Write appends p.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

// String returns everything written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
