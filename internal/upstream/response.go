package upstream

import "google.golang.org/grpc/mem"

// Response is the response message of a call, in the buffer that received it. The
// zero value is an empty response.
type Response struct{ buffer mem.Buffer }

// Bytes returns the message in wire form. It is valid until [Response.Release].
func (r Response) Bytes() []byte {
	if r.buffer == nil {
		return nil
	}
	return r.buffer.ReadOnlyData()
}

// Release frees the buffer for reuse.
func (r Response) Release() {
	if r.buffer != nil {
		r.buffer.Free()
	}
}
