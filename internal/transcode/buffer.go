package transcode

import "sync"

// Buffer holds an answer while it is made, and until it is written.
type Buffer struct {
	// Text is what was made so far.
	Text []byte
}

// maxPooledBytes is the largest buffer that is kept for the next answer.
const maxPooledBytes = 4 << 20

//nolint:gochecknoglobals // a pool is one for all
var buffers = sync.Pool{New: func() any { return &Buffer{Text: make([]byte, 0, chunkBytes)} }}

// NewBuffer gives an empty buffer, which its user releases.
func NewBuffer() *Buffer {
	b, _ := buffers.Get().(*Buffer)
	b.Text = b.Text[:0]
	return b
}

// Release gives the buffer back.
func (b *Buffer) Release() {
	if b != nil && cap(b.Text) <= maxPooledBytes {
		buffers.Put(b)
	}
}
