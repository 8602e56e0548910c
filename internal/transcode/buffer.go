package transcode

import "sync"

// Buffer is a pooled buffer for a response body.
type Buffer struct {
	// Text holds the body written so far.
	Text []byte
}

// maxPooledBytes is the capacity in bytes of the largest buffer that returns to
// the pool.
const maxPooledBytes = 4 << 20

//nolint:gochecknoglobals // a process has one pool
var buffers = sync.Pool{New: func() any { return &Buffer{Text: make([]byte, 0, chunkBytes)} }}

// NewBuffer returns an empty buffer. The caller must release it.
func NewBuffer() *Buffer {
	b, _ := buffers.Get().(*Buffer)
	b.Text = b.Text[:0]
	return b
}

// Release returns the buffer to the pool. The caller must not use the buffer
// afterwards. Release does nothing if b is nil.
func (b *Buffer) Release() {
	if b != nil && cap(b.Text) <= maxPooledBytes {
		buffers.Put(b)
	}
}
