package upstream

import "google.golang.org/grpc/mem"

// Response is what a call answered, in the buffer that it was received in. The
// zero value is an empty one.
type Response struct{ buffer mem.Buffer }

// Bytes is the message in wire form. It is gone with [Response.Release].
func (a Response) Bytes() []byte {
	if a.buffer == nil {
		return nil
	}
	return a.buffer.ReadOnlyData()
}

// Release gives the buffer back, for the next answer.
func (a Response) Release() {
	if a.buffer != nil {
		a.buffer.Free()
	}
}
